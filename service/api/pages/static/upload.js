// A file on its way to the service, with how much of it is there; fetch cannot say that, XMLHttpRequest can.

import { ApiError, headers, toError, url } from "./api.js";

/** The service's answer `{status, body}` to a file; `tell` hears the share that is sent. Abort the signal to stop. */
export function upload(path, file, type, tell, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const lost = (message) => () => reject(new ApiError(0, { code: "connection_lost", message }));
    request.open("POST", url(path));
    for (const [name, value] of Object.entries(headers({ "Content-Type": type }))) {
      request.setRequestHeader(name, value);
    }
    request.upload.onprogress = ({ loaded, total }) => tell(total ? loaded / total : 1);
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
