// Where a long list of loops begins.
import type { JSX } from "preact";
import { t } from "../../catalogue.ts";
import { cityTime } from "../../parts/city-clock.ts";
import { focusOn } from "../../parts/keys.tsx";
import { listId } from "./words.ts";

interface Props {
  list: string;
  /** The hour that is looked at; "" is now. */
  moment: string;
  /** "" is the beginning. */
  from: string;
  /** The field is shown although no time is chosen yet. */
  asked: boolean;
  onAsk(asked: boolean): void;
  onFrom(from: string): void;
}

/** Lists of another order than time, and those of the past, are not entered at a time. */
export const hasTimes = ({ list, moment }: { list: string; moment: string }): boolean => !moment && list !== "told";

/** A long list is entered at a time: the first deadline from then on, or the last that was closed by
 * then. A button until it is wanted. */
export function FromTime(props: Props): JSX.Element | null {
  const { list, from, asked, onAsk, onFrom } = props;
  const words = t(list === "closed" ? "listFromClosed" : "listFrom");
  if (!hasTimes(props)) return null;
  if (!asked && !from)
    return (
      <button class="button slim" type="button" onClick={() => onAsk(true)}>
        {words}… <kbd>G</kbd>
      </button>
    );
  const leave = (): void => {
    onAsk(false);
    focusOn(listId);
  };
  return (
    <label class="from-time small">
      {words}
      <input
        id="loop-from"
        type="datetime-local"
        value={from.slice(0, 16)}
        ref={(field) => {
          if (asked && !from) field?.focus();
        }}
        onChange={(event) => {
          const { value } = event.currentTarget;
          onFrom(value && cityTime(value));
        }}
        onKeyDown={(event) => {
          if (event.key !== "Escape" && event.key !== "Enter") return;
          event.stopPropagation();
          leave();
        }}
      />
      {from && (
        <button
          class="button slim"
          type="button"
          onClick={() => {
            onFrom("");
            leave();
          }}
        >
          {t("listFromStart")}
        </button>
      )}
    </label>
  );
}
