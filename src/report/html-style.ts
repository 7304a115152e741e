/** Style sheet of a report: light and dark, screen and paper, wide and narrow. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --surface: #ffffff; --raised: #f5f6f8; --line: #d9dde3; --text: #1a1f27; --soft: #545d6b; --link: #0b5cad;
  --base: #7a8594; --adapted: #0072b2; --better: #0072b2; --worse: #c8500a; --same: #7a8594; --tied: #009e73;
}
@media (prefers-color-scheme: dark) {
  :root {
    --surface: #14171c; --raised: #1d2128; --line: #363c46; --text: #e8ebf0; --soft: #a9b2bf; --link: #7cc0f5;
    --base: #8f99a8; --adapted: #56b4e9; --better: #56b4e9; --worse: #f0883e; --same: #8f99a8; --tied: #2fc79b;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body { margin: 0; background: var(--surface); color: var(--text); font: 16px/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
.page { max-width: 800px; margin: 0 auto; padding: 32px 24px 64px; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 16px; top: 8px; background: var(--surface); padding: 8px 12px; z-index: 1; }
a { color: var(--link); text-underline-offset: 3px; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
h1 { font-size: clamp(22px, 4.4vw, 29px); line-height: 1.28; letter-spacing: -0.012em; margin: 0; text-wrap: balance; padding-left: 18px; border-left: 5px solid var(--same); }
.good h1 { border-color: var(--better); } .bad h1 { border-color: var(--worse); }
.about { color: var(--soft); margin: 12px 0 0; }
h2 { font-size: 20px; line-height: 1.3; margin: 56px 0 12px; padding-top: 20px; border-top: 1px solid var(--line); }
h3 { font-size: 15px; margin: 20px 0 8px; }
p { margin: 0 0 14px; max-width: 68ch; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 28px 0 0; }
.tiles div { background: var(--raised); border-radius: 8px; padding: 14px 16px; }
.tiles dt { color: var(--soft); font-size: 13px; }
.tiles dd { margin: 2px 0 0; font-size: 25px; font-weight: 600; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tiles small { display: block; font-size: 13px; font-weight: 400; color: var(--soft); }
nav { margin: 24px 0 0; font-size: 14px; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 18px; padding: 0; margin: 0; }
nav a { display: inline-block; padding: 3px 0; }
.warnings { border: 1px solid var(--line); border-left: 5px solid var(--worse); border-radius: 8px; padding: 14px 18px; margin: 28px 0 0; }
.warnings h2 { border: 0; margin: 0 0 6px; padding: 0; font-size: 16px; }
.warnings ul { margin: 0; padding-left: 20px; }
figure { margin: 22px 0 26px; }
figcaption { color: var(--soft); font-size: 14px; margin: 0 0 10px; max-width: 68ch; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 18px; list-style: none; margin: 0 0 8px; padding: 0; font-size: 14px; }
.legend svg { width: 12px; height: 12px; margin-right: 7px; vertical-align: -1px; }
.chart { --plot-background: var(--surface); display: block; max-width: 100%; height: auto; overflow: visible; }
.chart text { white-space: pre; }
.chart.narrow { display: none; }
details { margin: 10px 0 0; }
summary { cursor: pointer; color: var(--link); font-size: 14px; padding: 4px 0; }
.scroll { overflow-x: auto; max-width: 100%; margin: 8px 0 14px; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; min-width: 100%; overflow-wrap: normal; }
caption { text-align: left; color: var(--soft); font-size: 13px; padding: 0 0 6px; }
th, td { padding: 6px 12px; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; font-weight: 400; vertical-align: top; }
thead th, thead td { color: var(--soft); font-weight: 600; border-bottom-color: var(--soft); }
.w { text-align: left; }
tbody .w { white-space: normal; overflow-wrap: anywhere; min-width: 9ch; }
th:first-child { padding-left: 0; }
pre { background: var(--raised); border-radius: 8px; padding: 14px 16px; margin: 0 0 14px; font: 14px/1.5 ui-monospace, monospace; white-space: pre-wrap; }
.filter { display: flex; flex-wrap: wrap; align-items: center; gap: 10px 24px; background: var(--raised); border-radius: 8px; padding: 12px 16px; margin: 0 0 16px; font-size: 14px; }
.filter[hidden] { display: none; }
.filter fieldset { border: 0; padding: 0; margin: 0; display: flex; flex-wrap: wrap; gap: 4px 14px; }
.filter label { display: inline-flex; align-items: center; gap: 8px; min-height: 34px; overflow-wrap: normal; }
.filter input[type=search] { font: inherit; color: inherit; background: var(--surface); border: 1px solid var(--soft); border-radius: 6px; padding: 5px 9px; width: 100%; max-width: 240px; }
.filter output { color: var(--soft); }
.changes { list-style: none; margin: 0; padding: 0; }
.changes li { border-bottom: 1px solid var(--line); }
.changes + .more > summary { padding: 10px 0; }
.changes details { margin: 0; }
.changes summary { color: var(--text); font-size: 15px; padding: 10px 0; }
.mark { font-size: 13px; font-weight: 600; margin: 0 8px 0 2px; white-space: nowrap; font-variant-numeric: tabular-nums; }
.mark::before { content: ''; display: inline-block; width: 9px; height: 9px; border-radius: 50%; margin-right: 7px; background: var(--worse); }
.better .mark::before { background: var(--better); }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 4px 28px; padding: 0 0 16px 20px; }
.pair h3 { font-size: 13px; color: var(--soft); margin: 4px 0 6px; }
.pair ol { margin: 0; padding-left: 20px; font-size: 14px; }
.pair li { border: 0; margin: 0 0 8px; padding-left: 2px; }
.pair small { display: block; color: var(--soft); font-size: 13px; }
.pair .relevant { border-left: 3px solid var(--better); padding-left: 8px; }
.pair .relevant b { color: var(--text); }
.wide-cell { grid-column: 1 / -1; font-size: 14px; margin: 0; }
footer { color: var(--soft); font-size: 14px; margin-top: 56px; border-top: 1px solid var(--line); padding-top: 16px; }
@media (max-width: 600px) {
  .page { padding: 22px 16px 48px; }
  .chart.wide { display: none; }
  .chart.narrow { display: block; }
  .tiles { grid-template-columns: 1fr 1fr; }
  .pair { grid-template-columns: 1fr; padding-left: 8px; }
  h2 { margin-top: 40px; }
}
@media print {
  :root { color-scheme: light; --surface: #fff; --raised: #fff; --line: #bbb; --text: #000; --soft: #333; --link: #000; --base: #7a8594; --adapted: #0072b2; --better: #0072b2; --worse: #c8500a; --same: #7a8594; --tied: #009e73; }
  .page { max-width: none; padding: 0; }
  nav, .filter, .skip { display: none; }
  .chart.wide { display: block; } .chart.narrow { display: none; }
  figure, tr, .changes li { break-inside: avoid; }
  h2, h3, figcaption { break-after: avoid; }
  .tiles div { border: 1px solid var(--line); }
  .scroll { overflow: visible; }
  figure details > summary { display: none; }
  figure details::details-content { content-visibility: visible; block-size: auto; }
}
`
