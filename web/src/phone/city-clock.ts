// The city's clock with running seconds: a picture of the page is visibly dead.
import { useEffect, useState } from "preact/hooks";
import { cityNow, cityOffset, useCityNow } from "../parts/city-clock.ts";

/** "14:32:08", drawn again each second; without figures until the city's time is known. */
export function useCityClock(): string {
  useCityNow(); // asks the city once
  const [, setTurn] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTurn((turn) => turn + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  const now = cityNow();
  if (now === null) return "--:--:--";
  const offset = Number(cityOffset().slice(0, 3)) * 3600;
  return new Date((now + offset) * 1000).toISOString().slice(11, 19);
}
