import { render } from "preact";
import { App } from "./app.tsx";
import { addWords } from "./catalogue.ts";
import "./style/tokens.css";
import "./style/base.css";
import "./style/frame.css";
import "./style/situation.css";
import "./style/cases.css";
import "./style/loops.css";
import "./style/people.css";
import "./style/widths.css";
import { consoleWords } from "./words/console.ts";

addWords(consoleWords);
render(<App />, document.getElementById("app")!);
