// Uploads a file with Uppy as the JSON in its argument says, and prints the upload's URL.
import { readFileSync } from "node:fs";
import Uppy from "@uppy/core";
import Tus from "@uppy/tus";

const { endpoint, path, chunkSize } = JSON.parse(process.argv[2]);

const uppy = new Uppy();
uppy.use(Tus, { endpoint, chunkSize: chunkSize ?? Infinity, retryDelays: [0, 100, 500, 1000] });
// Node's build of tus-js-client takes a buffer, where a browser's takes a File.
uppy.addFile({ name: "data.bin", type: "application/octet-stream", data: readFileSync(path) });

const { successful, failed } = await uppy.upload();
if (failed.length) throw failed[0].error;
console.log(successful[0].uploadURL);
