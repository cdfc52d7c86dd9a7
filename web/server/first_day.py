"""What people do on a centre's first day, in both languages: printed by `tongping init`, and kept as a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from web.server.installation import Layout
from web.server.settings import SERVER_FILE
from web.server.tls import ServerCertificate

FILE = "checklist.txt"


@dataclass(frozen=True, slots=True)
class FirstDay:
    """`link` is the first administrator's, None where there was a centre already; `named`: its city has a name."""

    domain: str
    state: Path
    link: str | None
    tls: ServerCertificate | None
    named: bool

    @property
    def steps(self) -> list[tuple[str, str]]:
        """Each step, in Chinese and in English."""
        layout, steps = Layout(self.state), []
        if self.tls is not None and self.tls.authority is not None:
            steps.append(
                (
                    f"把 {self.tls.authority} 装入每台席位机与会场机的受信任根证书；"
                    f"指纹须当面核对：{self.tls.fingerprint}",
                    f"Install {self.tls.authority} as a trusted root on every seat's and room's machine; compare the "
                    f"fingerprint in person: {self.tls.fingerprint}",
                )
            )
            steps.append(
                (
                    f"把 {self.state / 'tls' / 'authority.key'} 移入保险柜，不要留在本机",
                    f"Move {self.state / 'tls' / 'authority.key'} into a safe; it must not stay on this machine",
                )
            )
        elif self.tls is not None:
            steps.append(
                (
                    f"证书指纹（SHA-256），浏览器首次访问时须当面核对：{self.tls.fingerprint}",
                    f"Certificate fingerprint (SHA-256), compared in person at a browser's first visit: "
                    f"{self.tls.fingerprint}",
                )
            )
        steps += [
            (
                f"备份 {layout.secrets / 'master.key'}：两份，分处两地，封存并登记；丢失则全部日志密钥无法恢复",
                f"Back up {layout.secrets / 'master.key'}: two copies in two places, sealed and registered; without it "
                "no log key can be recovered",
            ),
            (
                f"{layout.signing}/ca/root.key 只用于签发下级证书：移入保险柜",
                f"{layout.signing}/ca/root.key only signs the authority below it: move it into a safe",
            ),
        ]
        if not self.named:
            settings = self.state / SERVER_FILE
            steps.append(
                (
                    f"城市名称未设置，页面将显示域名：在 {settings} 中写入 name.zh 与 name.en，再运行 tongping init",
                    f"The city has no name, so pages will show the domain: write name.zh and name.en into {settings} "
                    "and run tongping init again",
                )
            )
        steps += [
            (
                f"把 {layout.public} 当面交给各城市与监督部门，并收取它们的 centre.json",
                f"Hand {layout.public} to every city and to the supervising body in person, and receive theirs",
            ),
            (
                "运行 tongping trust --city FILE …（每个城市一份），把生成的 policy/ 分发给各城市、各席位与审计人员",
                "Run tongping trust --city FILE … (one for each city); hand the policy/ that it makes to all cities, "
                "seats and auditors",
            ),
            (
                f"每日备份 {layout.data}；见证密钥与日志不得从旧备份恢复后继续写入",
                f"Back up {layout.data} daily; never go on writing from an old copy of keys or logs",
            ),
            ("运行 tongping serve", "Run tongping serve"),
        ]
        if self.link is not None:
            steps.append(
                (
                    f"用浏览器打开首位管理员的一次性链接（24 小时内有效）：{self.link}",
                    f"Open the first administrator's one-time link in a browser (within 24 hours): {self.link}",
                )
            )
        steps.append(
            (
                "以后的管理员链接：tongping admin-link；首位操作员的设备：tongping vouch",
                "Later administrators: tongping admin-link; the first operator's device: tongping vouch",
            )
        )
        return steps

    @property
    def text(self) -> str:
        """The checklist as it is printed; the link is not part of the file (`kept`)."""
        lines = [f"主场中心 {self.domain} 已就绪：{self.state}", f"Main centre {self.domain} is ready."]
        for number, (chinese, english) in enumerate(self.steps, 1):
            lines += ["", f"□ {number}. {chinese}", f"     {english}"]
        return "\n".join(lines) + "\n"

    def keep(self) -> Path:
        """Write the checklist beside the settings, without the link: a file stays, a link must not."""
        path = self.state / FILE
        path.write_text(FirstDay(self.domain, self.state, None, self.tls, self.named).text)
        return path
