/** How the status page looks: one style sheet, light and dark, from 320 pixels on. */
import { createHash } from "node:crypto";

export const STYLE = `
:root{color-scheme:light dark;--page:#F6F7F9;--surface:#FFF;--line:#DDE1E7;--edge:#7F8692;--track:#E3E7ED;
--text:#14171C;--text2:#4A515E;--text3:#656D7B;--accent:#2354D6;--on-accent:#FFF;--settled:#2F5FD0;--held:#C77700;
--ok:#17703F;--ok-ground:#E7F5EC;--warn:#8F5200;--warn-ground:#FDF1DD;--danger:#B3261E;--danger-ground:#FCE9E7;
--shadow:#7745AF;--shadow-ground:#F3ECFB}
@media(prefers-color-scheme:dark){:root{--page:#0F1217;--surface:#171B22;--line:#2A303A;--edge:#6F7786;--track:#2A303A;
--text:#E8EAEE;--text2:#B2B8C3;--text3:#8F97A5;--accent:#8FB0FF;--on-accent:#0F1217;--settled:#6C93F5;--held:#F0A93B;
--ok:#5BC98A;--ok-ground:#10281B;--warn:#F0A93B;--warn-ground:#2C2110;--danger:#FF8A80;--danger-ground:#331714;
--shadow:#CEB6FD;--shadow-ground:#241B36}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);
font:14px/20px ui-sans-serif,system-ui,"Segoe UI",Roboto,"Noto Sans",sans-serif;font-variant-numeric:tabular-nums}
header,main,footer{max-width:1120px;margin:0 auto;padding:16px 24px}
header{display:flex;flex-wrap:wrap;align-items:center;gap:8px 16px;padding-bottom:0}
h1{font-size:18px;line-height:24px;font-weight:600;margin:0}
h2{font-size:14px;line-height:20px;font-weight:600;margin:0;padding:12px 16px;border-bottom:1px solid var(--line)}
h2 small{font-weight:400;margin-left:8px}
small,.quiet{color:var(--text3);font-size:12px;line-height:16px}
header form{margin-left:auto}
section{background:var(--surface);border:1px solid var(--line);border-radius:6px;margin:0 0 16px;overflow-x:auto}
section>p,section>ul,section>pre{margin:0;padding:12px 16px}
section>ul{padding-left:32px}
.chip{font-size:12px;line-height:16px;padding:2px 8px;border-radius:10px;white-space:nowrap;font-weight:500}
.ok{color:var(--ok);background:var(--ok-ground)}.warn{color:var(--warn);background:var(--warn-ground)}
.danger{color:var(--danger);background:var(--danger-ground)}.shadow{color:var(--shadow);background:var(--shadow-ground)}
.note{border-color:currentColor}.note.warn,.note.danger{background:var(--surface)}
table{border-collapse:collapse;width:100%;font-size:13px}
th{font-size:12px;line-height:16px;font-weight:500;color:var(--text2);text-align:left;white-space:nowrap}
th,td{padding:6px 16px;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td{border-bottom:0}
.number{text-align:right;white-space:nowrap}
.bar{display:block;min-width:120px;height:8px;margin-top:6px;border-radius:2px}
.bar .track{fill:var(--track)}.bar .settled{fill:var(--settled)}.bar .held{fill:url(#held)}
.hatch-ground{fill:var(--surface)}.hatch{stroke:var(--held);stroke-width:2.5}
td small{display:block}
code,pre{font:12px/18px ui-monospace,"SF Mono","Cascadia Mono",Menlo,"DejaVu Sans Mono",monospace}
pre{overflow-x:auto}
a{color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
button{font:inherit;font-weight:500;min-height:32px;padding:4px 12px;border-radius:6px;border:1px solid var(--edge);
background:transparent;color:var(--text);cursor:pointer}
button.primary{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
.sign-in{max-width:400px;margin:12vh auto 0;padding:24px}
.sign-in h1{margin-bottom:4px}
.sign-in label{display:block;margin:16px 0 4px;font-weight:500}
.sign-in input{font:inherit;width:100%;min-height:36px;padding:6px 10px;border:1px solid var(--edge);border-radius:6px;
background:var(--page);color:var(--text)}
.sign-in button{margin-top:16px;width:100%}
.sign-in .danger{padding:8px 12px;border-radius:6px}
.vague{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
@media(max-width:720px){header,main,footer{padding-left:16px;padding-right:16px}
table,tbody,tr,td{display:block}thead{display:none}
tr{padding:8px 16px;border-bottom:1px solid var(--line);display:grid;grid-template-columns:1fr auto;gap:2px 12px}
tr:last-child{border-bottom:0}
td{padding:0;border:0}td.wide{grid-column:1/-1}.number{text-align:right}
td[data-name]::before{content:attr(data-name) " ";color:var(--text3);font-size:12px}}
@media(forced-colors:active){.bar{border:1px solid CanvasText}.bar .settled{fill:CanvasText}.bar .track{fill:Canvas}}
`;

/** Content security policy of the pages: no script at all, this style alone, forms to this server alone. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "img-src data:",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");
