/** The page areas, and where a role's way begins. Each area lists its own routes; nothing else stands here. */
import type { RouteRecordRaw } from "vue-router";
import { routes as administrator } from "../pages/administrator/routes.ts";
import { routes as after } from "../pages/after/routes.ts";
import { routes as auditor } from "../pages/auditor/routes.ts";
import { routes as checkIn } from "../pages/check-in/routes.ts";
import { routes as draw } from "../pages/draw/routes.ts";
import { routes as expert } from "../pages/expert/routes.ts";
import { routes as operator } from "../pages/operator/routes.ts";
import { routes as room } from "../pages/room/routes.ts";
import { routes as rooms } from "../pages/rooms/routes.ts";
import { routes as signIn } from "../pages/sign-in/routes.ts";
import { routes as supervisor } from "../pages/supervisor/routes.ts";

export const AREAS: RouteRecordRaw[] = [
  ...administrator,
  ...after,
  ...auditor,
  ...checkIn,
  ...draw,
  ...expert,
  ...operator,
  ...room,
  ...rooms,
  ...signIn,
  ...supervisor,
];

const HOMES: Record<string, string> = {
  administrator: "/administrator",
  auditor: "/auditor",
  "buyer-representative": "/expert",
  expert: "/expert",
  operator: "/operator",
  room: "/room",
  supervisor: "/supervisor",
};

export function homeOf(role: string): string {
  return HOMES[role] ?? "/rooms";
}
