// All words of the console.
import { alertsWords } from "./alerts.ts";
import { casesWords } from "./cases.ts";
import { chartsWords } from "./charts.ts";
import { frameWords } from "./frame.ts";
import { loginWords } from "./login.ts";
import { loopsWords } from "./loops.ts";
import { noticesWords } from "./notices.ts";
import { peopleWords } from "./people.ts";
import { purposeWords } from "./purpose.ts";
import { rulesWords } from "./rules.ts";
import { situationWords } from "./situation.ts";
import { systemWords } from "./system.ts";
import { venuesWords } from "./venues.ts";

export const consoleWords = {
  ...chartsWords,
  ...frameWords,
  ...loginWords,
  ...noticesWords,
  ...situationWords,
  ...alertsWords,
  ...loopsWords,
  ...casesWords,
  ...venuesWords,
  ...peopleWords,
  ...rulesWords,
  ...systemWords,
  ...purposeWords,
};
