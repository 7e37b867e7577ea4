"""Serves on `PORT` until SIGTERM or Ctrl-C, then finishes the requests it has begun."""

import os
import socket

import uvicorn

from service.app import app


def main() -> None:
    port = int(os.environ.get("PORT", "8080"))
    # All IPv4 and IPv6 addresses, if the machine has both.
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    with socket.create_server(("", port), family=family, dualstack_ipv6=both) as listener:
        print(f"listening on port {listener.getsockname()[1]}", flush=True)
        uvicorn.Server(uvicorn.Config(app)).run(sockets=[listener])


if __name__ == "__main__":
    main()
