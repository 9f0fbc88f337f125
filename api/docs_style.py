"""The documentation's style sheet; light or dark as the reader's system is."""

STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent);
  --soft: color-mix(in srgb, currentColor 6%, transparent); --mark: #0b6bcb; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 1rem 1.5rem 4rem; display: flex; gap: 2rem;
  font: 16px/1.55 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; }
nav { flex: 0 0 9rem; position: sticky; top: 1rem; align-self: flex-start; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav a { display: block; padding: .15rem 0; text-decoration: none; }
main { flex: 1; min-width: 0; }
a { color: var(--mark); }
h1 small { font-size: 1rem; font-weight: 400; opacity: .7; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
article { margin: 1.25rem 0; padding: .25rem 1rem 1rem; border: 1px solid var(--line);
  border-radius: .5rem; }
h3 { font-size: 1rem; } h4 { margin: 1rem 0 .25rem; }
h3 b { font: 600 .8rem ui-monospace, monospace; padding: .1rem .4rem; border-radius: .25rem;
  color: #fff; background: #4a5568; }
h3 b.get { background: #1f7a4d; } h3 b.post { background: #0b6bcb; }
h3 b.put { background: #8a5a00; }
code, pre { font: .875em ui-monospace, monospace; background: var(--soft); border-radius: .25rem; }
code { padding: .05rem .25rem; } pre { padding: .75rem; overflow-x: auto; }
.roles { font-size: .875rem; opacity: .8; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; margin: .5rem 0; }
td:first-child { width: 30%; overflow-wrap: anywhere; } td:nth-child(2) { width: 25%; }
table.answers td:first-child { width: 4rem; } table.answers td:nth-child(2) { width: auto; }
.contents { columns: 2; padding-left: 1.2rem; }
caption { text-align: left; font-weight: 600; }
td { border-top: 1px solid var(--line); padding: .3rem .5rem .3rem 0; vertical-align: top; }
@media (max-width: 44rem) { body { display: block; } nav { position: static; } }
"""
