// What every page has: the key's button, and a way past the navigation that leaves the address as it is.

import "./key-button.js";
import { $ } from "./dom.js";

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  $("main").focus();
});
