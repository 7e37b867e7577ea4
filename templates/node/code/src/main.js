// Serves on PORT until SIGTERM or Ctrl-C, then finishes the running requests.

import { makeServer } from "./server.js";

const server = makeServer();
server.listen(Number(process.env.PORT ?? 8080), () => {
  console.log(`listening on port ${server.address().port}`);
});

for (const signal of ["SIGTERM", "SIGINT"]) {
  // Only once: a second Ctrl-C ends the process immediately.
  process.once(signal, () => {
    console.log("stopping");
    // Closes idle connections; the process ends with the last connection.
    server.close();
  });
}
