// The running session's rooms, live: what any seat that may watch sees. No framework, no library, Chromium 109.
"use strict";

const STAGES = {
  "check-in": "签到", "declarations": "承诺与回避", "chair-election": "推选组长", "compliance-review": "符合性审查",
  "detailed-review": "详细评审", "tally": "汇总", "report": "评审报告", "signing": "签署", "done": "结束",
};
const ROLES = {
  "expert": "评审专家", "buyer-representative": "采购人代表", "operator": "操作员", "supervisor": "监督人员",
  "auditor": "审计人员",
};
const CAUSES = { "venue-lost": "会场失去连接", "recording-lost": "录制中断", "ordered": "按指令" };
const GATES = { open: "进行中", paused: "已暂停", aborted: "已终止", closed: "已关闭" };
const PING_MS = 1000;
const SILENCE_MS = 4000;
const RETRY_MS = 1000;
// ICE over a working line takes well under a second; after eight without a connection another attempt is cheaper.
const WATCH_PATIENCE_MS = 8000;

const by = (id) => document.getElementById(id);
const tiles = new Map();
let me = null;
let next = null;
let engine = null;
let watching = null;

async function call(method, path, body, type) {
  const headers = body === undefined ? {} : { "Content-Type": type || "application/json" };
  const answer = await fetch(path, { method, headers, body });
  if (answer.status === 401) {
    location.replace("/sign-in");
  }
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.code || String(answer.status));
  }
  return answer;
}

function tell(text, bad) {
  by("told").textContent = text;
  by("told").classList.toggle("bad", Boolean(bad));
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const path = (rest) => `/v1/proceedings/${me.proceeding}${rest}`;

// --- tiles -----------------------------------------------------------------------------------------------------------

function tile(room) {
  if (tiles.has(room)) {
    return tiles.get(room);
  }
  const figure = document.createElement("figure");
  const canvas = document.createElement("canvas");
  canvas.id = `canvas-${room}`;
  canvas.width = 320;
  canvas.height = 180;
  const video = document.createElement("video");
  video.muted = true;
  video.autoplay = true;
  video.playsInline = true;
  const caption = document.createElement("figcaption");
  const name = document.createElement("strong");
  const record = document.createElement("span");
  const line = document.createElement("span");
  name.textContent = room;
  record.className = "record";
  line.textContent = "等待画面";
  caption.append(name, record, line);
  figure.append(canvas, video, caption);
  by("rooms").append(figure);
  const made = { figure, canvas, video, name, record, line };
  tiles.set(room, made);
  paint(made);
  return made;
}

function paint({ canvas, video }) {
  const pen = canvas.getContext("2d");
  const draw = () => {
    if (video.videoWidth) {
      if (canvas.width !== video.videoWidth || canvas.height !== video.videoHeight) {
        canvas.width = video.videoWidth;
        canvas.height = video.videoHeight;
      }
      pen.drawImage(video, 0, 0);
    }
    video.requestVideoFrameCallback(draw);
  };
  video.requestVideoFrameCallback(draw);
}

// --- what the server tells -------------------------------------------------------------------------------------------

function show(view) {
  by("stage").textContent = STAGES[view.stage] || view.stage;
  const causes = [...new Set(view.pauses.map(([cause]) => CAUSES[cause] || cause))].join("、");
  by("gate").textContent = (GATES[view.gate] || view.gate) + (causes && `：${causes}`);
  by("gate").className = view.gate === "open" ? "on" : "off";
  for (const [room, { venue, recording }] of Object.entries(view.rooms)) {
    const { centre, kind } = view.venues[venue];
    tile(room).name.textContent = `${kind === "main" ? "主场" : "副场"} · ${centre}`;
    tile(room).record.textContent = recording ? "正在录制" : "";
  }
  showPage(view.page);
}

function showPage(page) {
  by("page").hidden = !page;
  if (!page) {
    return;
  }
  const source = path(`/documents/${hex(page.document)}/pages/${page.page}.png`);
  if (by("page-image").getAttribute("src") !== source) {
    by("page-image").src = source;
    by("pointer").hidden = true;
  }
  by("page-number").textContent = `第 ${page.page} 页`;
}

function hex(text) {
  const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Array.from(binary, (c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}

function hear(message) {
  switch (message.type) {
    case "snapshot":
      next = message.size;
      by("size").textContent = String(next);
      show(message.view);
      if (message.media) {
        media(message.media);
      }
      break;
    case "entry":
      next = message.n + 1;
      by("size").textContent = String(next);
      if (message.view) {
        show(message.view);
      }
      break;
    case "media":
      media(message);
      break;
    case "pointer":
      by("pointer").hidden = false;
      by("pointer").style.left = `${message.x / 100}%`;
      by("pointer").style.top = `${message.y / 100}%`;
      break;
  }
}

function media(message) {
  if (message.engine === undefined) {
    return;
  }
  for (const [room, { connected }] of Object.entries(message.rooms || {})) {
    const { figure, line } = tile(room);
    figure.classList.toggle("gone", !connected);
    line.textContent = connected ? "在线" : "已断开";
    line.className = connected ? "on" : "off";
  }
  if (message.engine !== engine) {
    engine = message.engine;
    if (engine) {
      watch();
    }
  }
}

// --- watching --------------------------------------------------------------------------------------------------------

function watch() {
  if (watching) {
    watching.close();
  }
  const peer = new RTCPeerConnection({ iceServers: [] });
  watching = peer;
  negotiate(peer).catch((error) => {
    tell(`暂时无法接收画面（${error.message}）`, true);
    again(peer);
  });
}

function again(peer) {
  if (peer === watching) {
    setTimeout(() => peer === watching && watch(), RETRY_MS);
  }
}

async function negotiate(peer) {
  const offer = await (await call("POST", path("/watch"), "{}")).json();
  const slots = new Map(offer.slots.map((slot) => [slot.mid, slot]));
  const streams = new Map();
  peer.addEventListener("track", ({ track, transceiver }) => {
    const slot = slots.get(transceiver.mid);
    if (!slot || slot.kind === "document") {
      return;
    }
    if (!streams.has(slot.room)) {
      streams.set(slot.room, new MediaStream());
    }
    const { video } = tile(slot.room);
    streams.get(slot.room).addTrack(track);
    video.srcObject = streams.get(slot.room);
    video.play().catch(() => undefined);
  });
  peer.addEventListener("connectionstatechange", () => {
    if (peer.connectionState === "failed" || peer.connectionState === "closed") {
      again(peer);
    }
  });
  await peer.setRemoteDescription({ type: "offer", sdp: offer.sdp });
  await peer.setLocalDescription(await peer.createAnswer());
  await gathered(peer);
  await call("PUT", path(`/watch/${offer.subscription}`), peer.localDescription.sdp, "application/sdp");
  tell("");
  setTimeout(() => peer.connectionState === "connected" || again(peer), WATCH_PATIENCE_MS);
}

function gathered(peer) {
  if (peer.iceGatheringState === "complete") {
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    peer.addEventListener("icegatheringstatechange", () => peer.iceGatheringState === "complete" && resolve());
    setTimeout(resolve, 2000);
  });
}

// --- the live socket -------------------------------------------------------------------------------------------------

async function follow() {
  const { ticket } = await (await call("POST", path("/socket-tickets"), "{}")).json();
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}${path("/live")}?ticket=${ticket}`);
  let heard = Date.now();
  const ping = setInterval(() => {
    if (socket.readyState === WebSocket.OPEN) {
      socket.send(JSON.stringify({ type: "ping", t: Date.now() }));
    }
    if (Date.now() - heard > SILENCE_MS) {
      socket.close();
    }
  }, PING_MS);
  await new Promise((resolve) => {
    socket.addEventListener("open", () => {
      tell("");
      socket.send(JSON.stringify({ type: "hello", resume: next }));
    });
    socket.addEventListener("message", ({ data }) => {
      heard = Date.now();
      hear(JSON.parse(data));
    });
    socket.addEventListener("close", resolve);
  });
  clearInterval(ping);
}

async function stay() {
  for (;;) {
    try {
      await follow();
    } catch (error) {
      // Whatever went wrong, the line below says it and the next round tries again.
    }
    tell("与服务器的连接已中断，正在重新连接……", true);
    await pause(RETRY_MS);
  }
}

async function start() {
  me = await (await call("GET", "/v1/me")).json();
  by("seat").textContent = `${ROLES[me.role] || me.role} ${me.seat}`;
  stay();
}

by("sound").addEventListener("click", () => {
  const on = by("sound").getAttribute("aria-pressed") !== "true";
  by("sound").setAttribute("aria-pressed", String(on));
  by("sound").textContent = on ? "关闭声音" : "打开声音";
  for (const { video } of tiles.values()) {
    video.muted = !on;
  }
});
by("leave").addEventListener("click", () => {
  call("POST", "/v1/sign-out").finally(() => location.replace("/sign-in"));
});
start().catch((error) => tell(`无法打开会场（${error.message}）`, true));
