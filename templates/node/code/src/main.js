// Serves on PORT until SIGTERM or Ctrl-C, then finishes the requests it has begun.

import { makeServer } from "./server.js";

const server = makeServer();
server.listen(Number(process.env.PORT ?? 8080), () => {
  console.log(`listening on port ${server.address().port}`);
});

for (const signal of ["SIGTERM", "SIGINT"]) {
  // Once: a second Ctrl-C ends it at once.
  process.once(signal, () => {
    console.log("stopping");
    // Idle connections are closed, and the process ends with the last one.
    server.close();
  });
}
