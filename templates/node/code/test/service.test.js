// Tests the program over HTTP.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";

import { GREETING } from "../src/server.js";

let service;
let port;

before(async () => {
  const main = new URL("../src/main.js", import.meta.url).pathname;
  // Port 0: any free port.
  const env = { ...process.env, PORT: "0" };
  service = spawn(process.execPath, [main], { env, stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface(service.stdout), "line");
  port = Number(line.split(" ").at(-1));
});

after(() => service.kill("SIGKILL"));

function get(path, options) {
  return fetch(`http://localhost:${port}${path}`, options);
}

test("it greets", async () => {
  const answer = await get("/");
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), GREETING);
});

test("it is healthy", async () => {
  assert.equal((await get("/healthz?probe")).status, 200);
});

test("it knows no other path and no other method", async () => {
  assert.equal((await get("/nothing")).status, 404);
  assert.equal((await get("/", { method: "DELETE" })).status, 405);
});

test("it finishes running requests when it is stopped", async () => {
  const begun = connect(port, "localhost").setEncoding("utf8");
  let text = "";
  begun.on("data", (part) => (text += part));
  await new Promise((written) => begun.write("GET / HTTP/1.1\r\nHost: localhost\r\n", written));
  // When the service answers a later request, it has read the beginning of this one.
  await get("/healthz");
  const ended = once(service, "exit");
  service.kill("SIGTERM");
  begun.write("Connection: close\r\n\r\n");
  assert.deepEqual(await ended, [0, null]);
  assert.match(text, /^HTTP\/1\.1 200 /);
});
