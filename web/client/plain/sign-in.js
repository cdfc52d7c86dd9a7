// The one-time link's token stands behind the #, which browsers never send: it leaves this page in one POST only.
"use strict";

const told = document.getElementById("told");
const again = document.getElementById("again");
const token = location.hash.slice(1).split(".")[0];
history.replaceState(null, "", location.pathname);

const REASONS = {
  "link-refused": "链接无效、已被使用或已过期，请向现场工作人员索取新的链接。",
  "too-many-requests": "请求过于频繁，请稍候再试。",
};

async function signIn() {
  again.hidden = true;
  told.textContent = "正在登录……";
  try {
    const answer = await fetch("/v1/sign-in", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token }),
    });
    if (answer.ok) {
      location.replace("/rooms");
      return;
    }
    const problem = await answer.json().catch(() => ({}));
    told.textContent = REASONS[problem.code] || `登录失败（${problem.code || answer.status}）。`;
    again.hidden = problem.code === "link-refused";
  } catch (error) {
    told.textContent = "无法连接服务器，请稍候再试。";
    again.hidden = false;
  }
}

again.addEventListener("click", signIn);
if (token) {
  signIn();
}
