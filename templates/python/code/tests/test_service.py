"""The program itself, over HTTP."""

import os
import signal
import subprocess
import sys
import unittest
from http.client import HTTPConnection

from service.app import GREETING


class ServiceTest(unittest.TestCase):
    def setUp(self) -> None:
        # Port 0: any free port.
        self.service = subprocess.Popen(
            [sys.executable, "-m", "service"],
            env={**os.environ, "PORT": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.addCleanup(self.stop)
        assert self.service.stdout is not None
        self.port = int(self.service.stdout.readline().split()[-1])

    def stop(self) -> None:
        self.service.kill()
        self.service.communicate()

    def get(self, path: str) -> tuple[int, str]:
        connection = HTTPConnection("localhost", self.port, timeout=30)
        self.addCleanup(connection.close)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def test_it_greets(self) -> None:
        self.assertEqual(self.get("/"), (200, GREETING))

    def test_it_is_healthy(self) -> None:
        self.assertEqual(self.get("/healthz")[0], 200)

    def test_it_knows_no_other_path(self) -> None:
        self.assertEqual(self.get("/nothing")[0], 404)

    def test_it_ends_when_it_is_asked_to(self) -> None:
        self.get("/healthz")
        self.service.send_signal(signal.SIGTERM)
        # It has shut down in order, and then the signal ends it.
        self.assertEqual(self.service.wait(30), -signal.SIGTERM)
