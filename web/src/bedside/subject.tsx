// Who is examined: age, sex and height choose the limits of normal. What is left empty stays not known.
import { useState } from "preact/hooks";
import { number, type Quantity, unitOf } from "../format";
import { Segmented } from "../parts/control";
import { setSubject } from "../state/actions";
import { tell } from "../state/events";
import { subject } from "../state/study";
import type { Subject } from "../wire/messages";

type Measured = "age_years" | "height_cm";
const SEXES = [["F", "Female"], ["M", "Male"], ["unknown", "Not known"]] as const;

function change(part: Partial<Subject>): void {
  void setSubject({ ...subject.value, ...part });
}

/** A number that may be left empty; taken with Enter or on leaving the field. */
function Field({ name, field }: { name: string; field: Measured & Quantity }) {
  const [typed, type] = useState<string | null>(null);
  const known = subject.value[field];
  const enter = () => {
    if (typed === null) return;
    const text = typed.trim().replace(",", ".");
    const value = text === "" ? null : Number(text);
    type(null);
    if (value !== null && !Number.isFinite(value)) tell(`${name.toLowerCase()}: "${text}" is no number`);
    else if (value !== known) change({ [field]: value });
  };
  return (
    <label>
      <span>{name}, {unitOf(field)}</span>
      <input inputMode="decimal" data-testid={`subject-${field}`} placeholder="not known" value={typed ?? (known === null ? "" : number(field, known))}
        onInput={(e) => type(e.currentTarget.value)} onKeyDown={(e) => { if (e.key === "Enter") enter(); }} onBlur={enter} />
    </label>
  );
}

export function SubjectFields() {
  const { age_years: age, sex } = subject.value;
  return (
    <section aria-label="Patient" class="subject">
      <div class="subject-fields">
        <Field name="Age" field="age_years" />
        <Field name="Height" field="height_cm" />
        <Segmented name="Sex" options={SEXES} chosen={sex ?? "unknown"} choose={(v) => change({ sex: v === "unknown" ? null : v })} />
      </div>
      <p class="dim" data-testid="subject-note">
        {age === null ? "Without the age some limits of normal cannot be chosen: those responses stay unknown, not normal." : "They choose the limits of normal, and are recorded."}
      </p>
    </section>
  );
}
