// Uploads a file with progress, which XMLHttpRequest supports and fetch does not.

import { ApiError, headers, toError, url } from "./api.js";

/** The service's reply `{status, body}` to a file; `onProgress` is called with the share sent. Abort the signal to stop. */
export function upload(path, file, type, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const lost = (message) => () => reject(new ApiError(0, { code: "connection_lost", message }));
    request.open("POST", url(path));
    for (const [name, value] of Object.entries(headers({ "Content-Type": type }))) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 1);
    request.onerror = lost("The upload was interrupted: the service cannot be reached, or refused the file immediately.");
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    request.onload = () => {
      const { status, responseText } = request;
      if (status < 300) resolve({ status, body: JSON.parse(responseText) });
      else reject(toError(status, responseText, request.getResponseHeader("Retry-After")));
    };
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}
