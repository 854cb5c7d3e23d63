import { render } from "preact";
import { App } from "./app.tsx";
import "./style/tokens.css";
import "./style/base.css";
import "./style/console.css";

render(<App />, document.getElementById("app")!);
