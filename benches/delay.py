#!/usr/bin/env python3
"""Passes connections on to a server of this machine, each way MS milliseconds late: delay.py SERVER-PORT MS

Prints the port it listens on, on 127.0.0.1, and runs until it is stopped. A connection takes one round trip to open, as
on a network of that length.
"""

import asyncio
import sys


async def main():
    port, delay = int(sys.argv[1]), float(sys.argv[2]) / 1000

    async def accept(reader, writer):
        await asyncio.sleep(2 * delay)
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, to_writer, delay), carry(to_reader, writer, delay))

    server = await asyncio.start_server(accept, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def carry(reader, writer, delay):
    loop = asyncio.get_running_loop()
    late = asyncio.Queue()

    async def write():
        while True:
            when, chunk = await late.get()
            await asyncio.sleep(max(0, when - loop.time()))
            if not chunk:
                return writer.close()
            writer.write(chunk)

    writing = asyncio.create_task(write())
    try:
        while True:
            chunk = await reader.read(1 << 16)
            late.put_nowait((loop.time() + delay, chunk))
            if not chunk:
                break
    except ConnectionError:
        late.put_nowait((loop.time(), b""))
    await writing


if __name__ == "__main__":
    asyncio.run(main())
