import { render } from "preact";
import { App } from "./app.tsx";
import "./style/tokens.css";
import "./style/base.css";
import "./style/frame.css";
import "./style/situation.css";
import "./style/cases.css";
import "./style/loops.css";
import "./style/widths.css";

render(<App />, document.getElementById("app")!);
