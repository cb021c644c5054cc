"""A small API: GET / counts visits in Redis, GET /health says whether it can."""
import http.server
import os

from resp import Redis

SCHEMA = b"2"  # what migrate.py brings the data to


class API(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self):
        try:
            redis = Redis(int(os.environ["REDIS_PORT"]))
            schema = redis.call("GET", "schema")
            if schema != SCHEMA:
                self.answer(503, f"the schema is {schema}, not {SCHEMA}")
            elif self.path == "/health":
                self.answer(200, "well")
            else:
                self.answer(200, f"visit {redis.call('INCR', 'visits')}")
        except OSError as e:
            self.answer(503, f"redis: {e}")

    def answer(self, code, text):
        body = (text + "\n").encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        if self.path != "/health":
            super().log_message(*args)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


Server(("127.0.0.1", int(os.environ["API_PORT"])), API).serve_forever()
