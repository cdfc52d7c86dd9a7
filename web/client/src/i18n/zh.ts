/** All words of this language: those of the shell, then one key for each area. */
import advice from "../advice/zh.ts";
import administrator from "../pages/administrator/zh.ts";
import after from "../pages/after/zh.ts";
import auditor from "../pages/auditor/zh.ts";
import checkIn from "../pages/check-in/zh.ts";
import draw from "../pages/draw/zh.ts";
import expert from "../pages/expert/zh.ts";
import operator from "../pages/operator/zh.ts";
import room from "../pages/room/zh.ts";
import rooms from "../pages/rooms/zh.ts";
import signIn from "../pages/sign-in/zh.ts";
import supervisor from "../pages/supervisor/zh.ts";
import screens from "../screens/zh.ts";
import back from "./back.zh.ts";
import shell from "./shell.zh.ts";

export default { ...shell, ...back, administrator, advice, after, auditor, checkIn, draw, expert, operator, room, rooms, screens, signIn, supervisor };
