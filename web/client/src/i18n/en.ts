/** All words of this language: those of the shell, then one key for each area. */
import advice from "../advice/en.ts";
import administrator from "../pages/administrator/en.ts";
import after from "../pages/after/en.ts";
import auditor from "../pages/auditor/en.ts";
import checkIn from "../pages/check-in/en.ts";
import draw from "../pages/draw/en.ts";
import expert from "../pages/expert/en.ts";
import operator from "../pages/operator/en.ts";
import room from "../pages/room/en.ts";
import rooms from "../pages/rooms/en.ts";
import signIn from "../pages/sign-in/en.ts";
import supervisor from "../pages/supervisor/en.ts";
import screens from "../screens/en.ts";
import back from "./back.en.ts";
import shell from "./shell.en.ts";

export default { ...shell, ...back, administrator, advice, after, auditor, checkIn, draw, expert, operator, room, rooms, screens, signIn, supervisor };
