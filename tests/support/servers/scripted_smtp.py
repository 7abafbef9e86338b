"""An SMTP server that misbehaves at chosen moments and keeps every mail it accepts."""

import socketserver
from collections import Counter
from collections.abc import Callable

HANG_UP = ""

SmtpPlan = Callable[[str, str], str | None]
"""(stage, recipient) -> the reply; "" closes the connection; None means the usual reply."""


class ScriptedSmtpHandler(socketserver.StreamRequestHandler):
    """One connection, which speaks SMTP unless the server's plan says otherwise."""

    server: "ScriptedSmtpServer"
    timeout = 20

    def handle(self) -> None:
        self.server.connections += 1
        self.recipient = ""
        self.in_mail = False
        self.send("220 scripted")
        try:
            while line := self.rfile.readline():
                self.answer(line.decode("ascii").rstrip("\r\n"))
        except (HungUp, ConnectionError):
            return

    def answer(self, line: str) -> None:
        self.server.commands.append(line)
        verb = line.partition(" ")[0].upper()
        if verb == "EHLO":
            self.send(self.server.hello)
        elif verb == "AUTH":
            self.send("235 welcome" if line.endswith(self.server.login) else "535 go away")
        elif verb == "MAIL":
            self.send(self.at("mail") or self.begin())
        elif verb == "RCPT":
            self.recipient = line.partition("<")[2].rstrip(">")
            self.send(self.at("rcpt") or "250 ok")
        elif verb == "DATA":
            self.send(self.at("data") or self.take())
        else:
            self.in_mail = False
            self.send("250 ok")

    def begin(self) -> str:
        if self.in_mail:
            return "503 there is a mail already"
        self.in_mail = True
        return "250 ok"

    def take(self) -> str:
        self.send("354 go on")
        lines = [self.rfile.readline()]
        self.at("body")
        while lines[-1] != b".\r\n":
            if not lines[-1]:
                raise HungUp
            lines.append(self.rfile.readline())
        self.in_mail = False
        refusal = self.at("dot")
        if refusal:
            return refusal
        self.server.taken.append((self.recipient, b"".join(lines[:-1])))
        return self.at("answer") or "250 taken"

    def at(self, stage: str) -> str | None:
        reply = self.server.plan(stage, self.recipient)
        if reply == HANG_UP:
            raise HungUp
        return reply

    def send(self, reply: str) -> None:
        self.wfile.write(f"{reply}\r\n".encode())


class HungUp(Exception):
    """The plan closes the connection here."""


class ScriptedSmtpServer(socketserver.ThreadingTCPServer):
    """An SMTP server on a free port that follows ``plan``; ``taken`` has the accepted mails."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ScriptedSmtpHandler)
        self.plan: SmtpPlan = lambda _stage, _recipient: None
        self.hello = "250 scripted"
        self.login = ""
        self.taken: list[tuple[str, bytes]] = []
        self.commands: list[str] = []
        self.connections = 0

    @property
    def times(self) -> Counter[str]:
        return Counter(recipient for recipient, _ in self.taken)

    def once(self, stage: str, recipient: str, reply: str) -> None:
        """Send this reply the first time ``recipient`` reaches ``stage``, the usual one later."""
        moments = {(stage, recipient)}

        def plan(*moment: str) -> str | None:
            if moment not in moments:
                return None
            moments.remove(moment)
            return reply

        self.plan = plan
