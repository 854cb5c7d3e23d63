// The purpose of a look at persons.
import type { Words } from "../catalogue.ts";

export const purposeWords = {
  gateListTitle: { zh: "打开病例名单要说明用途", en: "Say what for before the case list opens" },
  gateCaseTitle: { zh: "打开病例 {id} 的身份和行程要说明用途", en: "Say what for before case {id} opens" },
  gateNote: { zh: "这次查看会记下来：谁（{name}）、何时、用途、看了哪些内容。记录连成链，改动会被查出。", en: "This look is recorded: who ({name}), when, what for, and what was shown. The records are chained, so that a change is found out." },
  gateMasked: { zh: "姓名由服务器遮盖；辖区外的人只显示编号。", en: "Names are masked by the server; persons outside your area are shown as numbers only." },
  gatePurpose: { zh: "用途", en: "Purpose" },
  gateDuty: { zh: "值班：掌握辖区病例", en: "Duty: know the cases of the area" },
  gateInvestigate: { zh: "流调：找到要调查的病例", en: "Investigation: find the case to work on" },
  gateReview: { zh: "复核：核对流调进度", en: "Review: check how investigations proceed" },
  gateThisCase: { zh: "调查病例 {id}（记为 case:{id}）", en: "Investigate case {id} (recorded as case:{id})" },
  gateOpen: { zh: "按此用途打开", en: "Open for this purpose" },
  gateChoose: { zh: "请先选一个用途", en: "Choose a purpose first" },
} as const satisfies Words;
