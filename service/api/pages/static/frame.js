// What every page has: the key's button, and a skip link that does not change the address.

import "./key-button.js";
import { $ } from "./dom.js";

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  $("main").focus();
});
