// @tus/server with its file store, as its own documentation sets it up: node server.mjs FOLDER HOST PORT
import { FileStore } from "@tus/file-store";
import { Server } from "@tus/server";

const [directory, host, port] = process.argv.slice(2);
const server = new Server({ path: "/files", datastore: new FileStore({ directory }) });

server.listen({ host, port: Number(port) });
