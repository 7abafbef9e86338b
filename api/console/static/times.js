// Times in words of the viewer's zone or of UTC; this browser remembers which. All are in seconds since 1970.

const CHOICE = "continuo-zone";
const UTC = "UTC";

let zone = localStorage.getItem(CHOICE) === UTC ? UTC : undefined;

export const isUtc = () => zone === UTC;
export const zoneName = () => zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;

export function switchZone() {
  zone = isUtc() ? undefined : UTC;
  localStorage.setItem(CHOICE, zone ?? "");
}

function written(at, language, options) {
  return new Date(at * 1000).toLocaleString(language, { timeZone: zone, hourCycle: "h23", ...options });
}

/** As in `2026-11-27 14:03:12 UTC`. */
export const exact = (at) => `${written(at, "sv-SE")} ${written(at, "en", { timeZoneName: "short" }).split(" ").at(-1)}`;
export const clock = (at) => written(at, "sv-SE", { timeStyle: "medium" });
export const dayOf = (at) => written(at, "en", { day: "numeric", month: "short" });
export const hourOf = (at) => written(at, "en", { weekday: "short", hour: "2-digit", minute: "2-digit" });

/** What a field of the type `datetime-local` shows, "" for nothing or what is no time. */
export function toField(at) {
  const date = new Date(Number(at) * 1000);
  return !at || Number.isNaN(date.getTime()) ? "" : written(at, "sv-SE").slice(0, 16).replace(" ", "T");
}

/** The seconds that such a field says, as the API takes them; "" for nothing. */
export function fromField(text) {
  return text ? String(Date.parse(isUtc() ? `${text}Z` : text) / 1000) : "";
}
