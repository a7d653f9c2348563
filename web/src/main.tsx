import { render } from "preact";
import { App, ask_who } from "./app.tsx";

ask_who();
render(<App />, document.getElementById("page")!);
