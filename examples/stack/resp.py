"""As much of Redis's protocol as the two programs beside this file need."""
import socket


class Redis:
    def __init__(self, port):
        self.file = socket.create_connection(("127.0.0.1", port), timeout=5).makefile("rwb")

    def call(self, *words):
        words = [w.encode() for w in words]
        self.file.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        self.file.flush()
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the connection was closed")
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        if kind == b"-":
            raise OSError(rest.decode())
        return int(rest) if kind == b":" else rest
