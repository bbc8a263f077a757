// One stream of events per tab, read with fetch instead of EventSource: so the heartbeat can be seen (a dead link is
// noticed after two of them), a resume after any kind of failure carries Last-Event-ID, and a 401 is told from a lost server.

export interface StreamEvent { id: string; type: string; data: string }

// Bytes in any cuts, events out. A line that starts with a colon is a comment: the heartbeat.
export class EventParser {
  private rest = "";
  private type = "";
  private data: string[] = [];
  private id = "";
  // Of the last event that was complete: where to resume.
  lastId = "";

  feed(text: string): StreamEvent[] {
    const events: StreamEvent[] = [];
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        this.lastId = this.id;
        if (this.data.length > 0) events.push({ id: this.id, type: this.type || "message", data: this.data.join("\n") });
        this.type = "";
        this.data = [];
        continue;
      }
      if (line.startsWith(":")) continue;
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") this.type = value;
      else if (field === "data") this.data.push(value);
      else if (field === "id") this.id = value;
    }
    return events;
  }
  // After a cut nothing half-read may be glued to what comes next.
  restart(): void {
    this.rest = "";
    this.type = "";
    this.data = [];
    this.id = this.lastId;
  }
}

export type LinkState = "connecting" | "live" | "lost";

export interface LiveHandlers {
  event: (type: string, data: unknown) => void;
  state: (state: LinkState) => void;
  // The stream could not be resumed: what was missed must be loaded anew.
  reset: () => void;
  signedOut: () => void;
}

const kSilenceMaxMs = 35000;
const kRetryMaxMs = 10000;

export class LiveStream {
  private parser = new EventParser();
  private abort: AbortController | null = null;
  private retryMs = 500;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private stopped = true;

  constructor(private readonly url: string, private readonly handlers: LiveHandlers) {}

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    void this.run();
  }
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.abort?.abort();
  }
  // Something else has noticed that the office is there again.
  nudge(): void {
    if (this.stopped || this.abort) return;
    clearTimeout(this.timer);
    void this.run();
  }

  private async run(): Promise<void> {
    const abort = new AbortController();
    this.abort = abort;
    this.parser.restart();
    this.handlers.state("connecting");
    let silence: ReturnType<typeof setTimeout> | undefined;
    const heard = (): void => {
      clearTimeout(silence);
      silence = setTimeout(() => abort.abort(), kSilenceMaxMs);
    };
    heard();
    try {
      const headers: Record<string, string> = { Accept: "text/event-stream" };
      const resumed = this.parser.lastId !== "";
      if (resumed) headers["Last-Event-ID"] = this.parser.lastId;
      const response = await fetch(this.url, { headers, credentials: "same-origin", cache: "no-store", signal: abort.signal });
      if (response.status === 401) {
        this.stop();
        this.handlers.signedOut();
        return;
      }
      if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}`);
      this.handlers.state("live");
      this.retryMs = 500;
      const decoder = new TextDecoder();
      const reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        heard();
        for (const event of this.parser.feed(decoder.decode(value, { stream: true }))) {
          if (event.type === "reset") {
            this.handlers.reset();
            continue;
          }
          let data: unknown;
          try {
            data = JSON.parse(event.data);
          } catch {
            continue;
          }
          this.handlers.event(event.type, data);
        }
      }
    } catch {
      // A stream ends by failing; what matters is only that it has ended.
    } finally {
      clearTimeout(silence);
      this.abort = null;
    }
    if (this.stopped) return;
    this.handlers.state("lost");
    this.timer = setTimeout(() => void this.run(), this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, kRetryMaxMs);
  }
}
