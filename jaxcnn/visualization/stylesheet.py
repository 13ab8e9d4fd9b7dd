"""The look of a report: light or dark as the reader prefers, narrow or wide, on screen or paper."""

STYLESHEET = """\
:root {
  color-scheme: light dark;
  --ink: #1b1b1b; --soft: #57606a; --page: #ffffff; --line: #d0d7de; --stripe: #8080801a; --shade: #00000040;
  --note: #0072b2; --warning: #b34700;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6e6e6; --soft: #a3abb5; --page: #15181c; --line: #3a414a; --stripe: #80808026; --shade: #000000c0;
    --note: #56b4e9; --warning: #f0a050;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
main, footer { max-width: 76rem; margin: 0 auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 2rem 0 1rem; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 2.5rem 0 .75rem; }
p { max-width: 44rem; margin: .75rem 0; }
.note, .warning { margin: 1rem 0; padding: .1rem 1rem; background: var(--stripe); }
.note, .warning { border-left: .3rem solid var(--note); }
.warning { border-color: var(--warning); }
.note strong { color: var(--note); }
.warning strong { color: var(--warning); }
.scroll { overflow-x: auto; margin: 1rem 0; }
.scroll {
  /* A shade at an edge where the box holds more; covers of the page's colour scroll along and hide it at the ends. */
  background:
    linear-gradient(to right, var(--page) 40%, transparent) left / 2.5rem 100% no-repeat local,
    linear-gradient(to left, var(--page) 40%, transparent) right / 2.5rem 100% no-repeat local,
    linear-gradient(to right, var(--shade), transparent) left / .8rem 100% no-repeat scroll,
    linear-gradient(to left, var(--shade), transparent) right / .8rem 100% no-repeat scroll;
}
table { border-collapse: collapse; font-size: .875rem; line-height: 1.4; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: .5rem; }
caption span { position: sticky; left: 0; display: inline-block; max-width: min(44rem, calc(100vw - 2rem)); }
th, td { padding: .3rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th, td { overflow-wrap: normal; }
thead th { vertical-align: bottom; border-bottom: 2px solid var(--soft); }
tbody th { font-weight: 600; }
tbody tr:nth-child(even) { background: var(--stripe); }
.number { text-align: right; white-space: nowrap; }
thead .number { white-space: normal; }
figure { margin: 1.5rem 0; }
figure .scroll { margin: 0; }
img { display: block; height: auto; max-width: max(100%, 35rem); background: #ffffff; border-radius: .25rem; }
figcaption { max-width: 44rem; margin-top: .5rem; color: var(--soft); font-size: .875rem; }
footer { margin-top: 3rem; padding-bottom: 3rem; color: var(--soft); font-size: .875rem; }
footer h2 { font-size: 1rem; border-top: 1px solid var(--line); padding-top: 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.25rem; margin: 0; }
dd { margin: 0; }
@media (max-width: 30rem) { dl { display: block; } dd { margin-bottom: .4rem; } }
@media print {
  :root {
    color-scheme: light;
    --ink: #000000; --soft: #333333; --page: #ffffff; --line: #999999; --stripe: #ffffff00; --shade: #ffffff00;
    --note: #0072b2; --warning: #b34700;
  }
  body { font-size: 10pt; }
  main, footer { max-width: none; padding: 0; }
  .scroll { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { padding: .15rem .4rem; }
  img { max-width: 100%; }
  tr, figure, .note, .warning { break-inside: avoid; }
  h1, h2, caption { break-after: avoid; }
}
"""
