// What went wrong, said in the queue's frame: the list keeps its keys, and whoever has to sign in does
// so on the whole page.

import { goToSignIn } from "../server.js";
import { listen, shareKeysWithTheList } from "./keys.js";

if (parent !== window) shareKeysWithTheList();
listen();
if (document.getElementById("sign-in")) goToSignIn();
