// Uploads a file with tus-js-client `times` times, one after the other, and prints the status of each refusal: 0 for
// one that was lost.
import { createReadStream } from "node:fs";
import { Agent } from "node:http";
import { DefaultHttpStack, Upload } from "tus-js-client";

const { endpoint, path, times, filetype } = JSON.parse(process.argv[2]);

function refusal() {
  return new Promise((resolve) => {
    const upload = new Upload(createReadStream(path), {
      endpoint,
      chunkSize: Infinity,
      // A type that is not allowed is refused from the headers of the creation.
      metadata: { filename: "data.bin", ...(filetype && { filetype }) },
      uploadDataDuringCreation: Boolean(filetype),
      retryDelays: null,
      // The server closes the connection of a refusal: the next upload must not find it in a pool.
      httpStack: new DefaultHttpStack({ agent: new Agent({ keepAlive: false }) }),
      onError(error) {
        resolve(error.originalResponse?.getStatus() ?? 0);
      },
      onSuccess() {
        resolve(200);
      },
    });
    upload.start();
  });
}

for (let done = 0; done < times; done += 1) console.log(await refusal());
