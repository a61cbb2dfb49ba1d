// Uploads a file with tus-js-client as the JSON in its argument says, and prints the upload's URL.
//
// It goes on where an earlier process stopped that kept its URL in the same file `urls`. After `dieAfter` chunks it
// kills itself.
import { createReadStream } from "node:fs";
import { FileUrlStorage, Upload } from "tus-js-client";

const { endpoint, path, urls, chunkSize, parallelUploads, dieAfter } = JSON.parse(process.argv[2]);
let chunks = 0;

const upload = new Upload(createReadStream(path), {
  endpoint,
  chunkSize: chunkSize ?? Infinity,
  parallelUploads: parallelUploads ?? 1,
  metadata: { filename: "data.bin", filetype: "application/octet-stream" },
  retryDelays: [0, 100, 500, 1000],
  ...(urls && { urlStorage: new FileUrlStorage(urls) }),
  onChunkComplete() {
    chunks += 1;
    if (chunks === dieAfter) process.kill(process.pid, "SIGKILL");
  },
  onError(error) {
    throw error;
  },
  onSuccess() {
    console.log(upload.url);
  },
});

const [previous] = urls ? await upload.findPreviousUploads() : [];
if (previous) upload.resumeFromPreviousUpload(previous);
upload.start();
