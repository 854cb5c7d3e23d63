// A page of words as the server writes it: headings, lists, tables, bold and code, nothing else. It
// becomes elements one by one; no text is ever taken for markup.
import type { JSX } from "preact";

const marks = /\*\*([^*]+)\*\*|`([^`]+)`/g;

function inline(text: string): (JSX.Element | string)[] {
  const parts: (JSX.Element | string)[] = [];
  let at = 0;
  for (const found of text.matchAll(marks)) {
    if (found.index > at) parts.push(text.slice(at, found.index));
    parts.push(found[1] !== undefined ? <b>{found[1]}</b> : <code>{found[2]}</code>);
    at = found.index + found[0].length;
  }
  if (at < text.length) parts.push(text.slice(at));
  return parts;
}

const cells = (line: string): string[] =>
  line
    .replace(/^\|\s?|\s?\|$/g, "")
    .split(/\s(?<!\\)\|\s/)
    .map((cell) => cell.replaceAll("\\|", "|").trim());

function Table({ lines }: { lines: string[] }): JSX.Element {
  const [head, , ...rows] = lines;
  return (
    <div class="scroll-x" tabIndex={0} role="group">
      <table>
        <thead>
          <tr>
            {cells(head ?? "").map((cell) => (
              <th key={cell} scope="col">
                {inline(cell)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              {cells(row).map((cell, k) => (
                <td key={k}>{inline(cell)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Block({ lines, level }: { lines: string[]; level: number }): JSX.Element {
  const first = lines[0] ?? "";
  const heading = /^(#+) (.*)$/.exec(first);
  if (heading) {
    const Heading = `h${Math.min(6, level + heading[1]!.length - 2)}` as "h3";
    return <Heading>{inline(heading[2] ?? "")}</Heading>;
  }
  if (first.startsWith("| ")) return <Table lines={lines} />;
  if (first.startsWith("- "))
    return (
      <ul>
        {lines.map((line, i) => (
          <li key={i}>{inline(line.slice(2))}</li>
        ))}
      </ul>
    );
  return <p>{inline(lines.join(" "))}</p>;
}

/** `level`: of the headings that the text writes as "##". */
export function DocumentText({ text, level }: { text: string; level: number }): JSX.Element {
  const blocks = text
    .split(/\n{2,}/)
    .map((block) => block.split("\n").filter((line) => line))
    .filter((lines) => lines.length);
  return (
    <div class="document">
      {blocks.map((lines, i) => (
        <Block key={i} lines={lines} level={level} />
      ))}
    </div>
  );
}
