// REST of docs/protocols/live.md. Errors are the service's own sentence.

export class Refusal extends Error {}

async function answer(response: Response): Promise<Response> {
  if (response.ok) return response;
  let sentence = `the service answered ${response.status}`;
  try {
    const body = (await response.json()) as { error?: string };
    if (body.error) sentence = body.error;
  } catch {
    // not JSON: the status is all there is
  }
  throw new Refusal(sentence);
}

export async function get<T>(path: string, query: Record<string, string | number> = {}): Promise<T> {
  const search = new URLSearchParams(Object.entries(query).map(([k, v]) => [k, String(v)])).toString();
  const response = await answer(await fetch(`/api/${path}${search ? `?${search}` : ""}`));
  return (await response.json()) as T;
}

export async function samples(path: string): Promise<Float32Array> {
  const response = await answer(await fetch(`/api/${path}`));
  return new Float32Array(await response.arrayBuffer());
}

export async function post<T = unknown>(path: string, body: object = {}): Promise<T> {
  const response = await answer(
    await fetch(`/api/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  );
  return (await response.json()) as T;
}

const STOP_ANSWER_MS = 1000;

/** The second way to STOP. True only if the service said that it stopped. */
export async function postStop(): Promise<boolean> {
  try {
    const response = await fetch("/api/stop", { method: "POST", keepalive: true, signal: AbortSignal.timeout(STOP_ANSWER_MS) });
    const body = (await response.json()) as { stopped?: boolean };
    return response.ok && body.stopped === true;
  } catch {
    return false;
  }
}

export interface Readout { dt_ms: number; peak_to_peak_uv: number | null; rms_uv: number | null; reasons: string[] }
