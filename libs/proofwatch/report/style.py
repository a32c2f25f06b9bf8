"""The page's looks: a white sheet on screen and on paper, whatever the reader's colour scheme."""

from typing import Final

STYLE: Final = """
:root { color-scheme: light; }
body { margin: 0 auto; padding: 1.5rem 1.25rem 4rem; max-width: 68rem; background: #fff; color: #1e293b;
  font: 16px/1.5 system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; }
h2 { font-size: 1.25rem; margin: 0 0 .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
section { margin-top: 2.25rem; border-top: 1px solid #e2e8f0; padding-top: 1.25rem; }
p, dd { margin: .4rem 0; max-width: 52rem; }
dt { font-weight: 600; margin-top: .5rem; }
dd { margin: 0; }
a, summary { color: #0b5cad; }
nav { margin-top: 1rem; }
nav a { margin-right: 1rem; white-space: nowrap; }
.lead { font-size: 1.1rem; }
.note, figcaption, details { font-size: .9rem; }
.note, figcaption, caption, .none, thead th { color: #475569; }
.alert, .good { border-left: .35rem solid; padding: .4rem .8rem; max-width: none; }
.alert { border-color: #b91c1c; background: #fef2f2; }
.good { border-color: #15803d; background: #f0fdf4; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 1rem 2rem; }
figure { margin: .75rem 0; min-width: 0; }
svg { display: block; width: 100%; height: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; margin: .5rem 0; }
caption { text-align: left; padding: .25rem 0; }
th, td { padding: .3rem .75rem .3rem 0; border-bottom: 1px solid #e2e8f0; text-align: right; vertical-align: top;
  white-space: nowrap; }
th:first-child, td:last-child, th:last-child { text-align: left; white-space: normal; }
tbody th { font-weight: 500; }
thead th { font-weight: 600; border-bottom: 2px solid #cbd5e1; }
.status { padding: .05rem .5rem; border-radius: .6rem; font-weight: 600; border: 1px solid; white-space: nowrap; }
.pass { color: #14532d; background: #dcfce7; }
.breach { color: #7f1d1d; background: #fee2e2; }
.open { color: #713f12; background: #fef9c3; }
details { margin: .25rem 0; }
summary { cursor: pointer; }
details .wide { max-height: 24rem; overflow-y: auto; }
@media print {
  body { max-width: none; padding: 0; font-size: 11pt; }
  nav, details { display: none; }
  figure, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .status, .alert, .good { print-color-adjust: exact; }
}
"""
