/** The version of the client, which is that of the platform. */
export const VERSION = "0.2.0";
