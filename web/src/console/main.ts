import { createApp } from "vue";
import { createRouter, createWebHashHistory } from "vue-router";

import App from "./App.vue";
import "./base.css";
import { resume, session } from "./store";

const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: "/", redirect: "/desk" },
    { path: "/sign-in", component: () => import("./pages/SignIn.vue") },
    { path: "/desk", component: () => import("./pages/Desk.vue") },
    { path: "/cards", component: () => import("./pages/Cards.vue") },
    { path: "/wall/:number?", component: () => import("./pages/Wall.vue"), props: true },
    { path: "/rooms", component: () => import("./pages/Rooms.vue") },
    { path: "/room/:id", component: () => import("./pages/Room.vue"), props: true },
    { path: "/approvals/:id?", component: () => import("./pages/Approvals.vue"), props: true },
    { path: "/campaigns/:id?", component: () => import("./pages/Campaigns.vue"), props: true },
    { path: "/work/:id?", component: () => import("./pages/Work.vue"), props: true },
    { path: "/till/:id?", component: () => import("./pages/Till.vue"), props: true },
    { path: "/plans", component: () => import("./pages/Plans.vue") },
    { path: "/settings", component: () => import("./pages/Settings.vue") },
    { path: "/audit", component: () => import("./pages/Audit.vue") },
    { path: "/people", component: () => import("./pages/People.vue") },
    { path: "/lines", component: () => import("./pages/Lines.vue") },
    { path: "/:rest(.*)", redirect: "/desk" },
  ],
});
router.beforeEach((to) => {
  if (!session.value && to.path !== "/sign-in") return { path: "/sign-in", query: to.path === "/desk" ? {} : { to: to.fullPath } };
  if (session.value && to.path === "/sign-in") return typeof to.query["to"] === "string" ? to.query["to"] : "/desk";
  return true;
});

void resume().then(() => createApp(App).use(router).mount("#app"));
