// A code that somebody types: a venue's short code, a person's number.
import type { JSX } from "preact";
import { useState } from "preact/hooks";

export function Typed(props: {
  label: string;
  hint: string;
  act: string;
  name?: string;
  onTyped(text: string): void;
}): JSX.Element {
  const [text, setText] = useState("");
  function submit(event: Event): void {
    event.preventDefault();
    props.onTyped(text.trim());
  }
  return (
    <form class="typed" onSubmit={submit}>
      <label class="field">
        {props.label}
        <input
          name={props.name ?? "typed"}
          required
          autocomplete="off"
          autocapitalize="characters"
          spellcheck={false}
          placeholder={props.hint}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button class="button" type="submit">
        {props.act}
      </button>
    </form>
  );
}
