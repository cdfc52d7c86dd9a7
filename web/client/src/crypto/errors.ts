/**
 * Errors of a seat in the browser; `code` is stable and the same as in the Python seat (web/device/errors.py).
 *
 * CryptoError
 * ├── Malformed         octets out of form (`malformed`)
 * ├── Untrusted         a signature, proof or commitment that does not hold (`untrusted`)
 * │   └── NoQuorum      too few witnesses cosigned (`no-quorum`)
 * ├── ServerRefused     the server decided, and said no (`code` is the server's own)
 * ├── ServerSilent      no definitive answer within the caller's patience (`server-silent`)
 * ├── ActPending        an earlier act has no definitive answer yet (`act-pending`)
 * ├── NotOffline        the act depends on the log as it is (`not-offline`)
 * ├── GateClosed        what the gate demands is not proven yet (`gate-closed`)
 * ├── RecordUntrusted   what the server shows does not hold under this seat's own pins (`record-untrusted`)
 * │   └── RecordForked  two histories, and what proves them (`record-untrusted`)
 * ├── NotConfirmed      the log goes on in another one, which no other centre has confirmed yet (`not-confirmed`)
 * ├── LogContinued      the log went on in another one: what comes again is looked at first (`log-continued`)
 * ├── PinsRefused       the server hands out other pins than the link names (`pins-refused`)
 * ├── JournalBroken     a journal of another key or log (`journal-broken`)
 * ├── SeatInUse         another tab of this browser holds the seat (`seat-in-use`)
 * ├── SheetRefused      a score or choice that cannot be sealed (`code` names the rule, `item` the place)
 * └── RankingDiffers    the own ranking is not the one that the report states (`ranking-differs`)
 */
import type { JsonObject } from "./canonical.ts";

export class CryptoError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = new.target.name;
    this.code = code;
  }
}

export class Malformed extends CryptoError {
  constructor(message: string) {
    super("malformed", message);
  }
}

export class Untrusted extends CryptoError {
  constructor(message: string, code = "untrusted") {
    super(code, message);
  }
}

export class NoQuorum extends Untrusted {
  constructor(message: string) {
    super(message, "no-quorum");
  }
}

/** A definitive refusal; the same request would be refused again. */
export class ServerRefused extends CryptoError {
  readonly status: number;

  constructor(status: number, code: string, detail = "") {
    super(code, `${status} ${code} ${detail}`.trimEnd());
    this.status = status;
  }
}

/** Nothing is known about the request's fate: it stays in the journal. */
export class ServerSilent extends CryptoError {
  constructor(message: string) {
    super("server-silent", message);
  }
}

/** One act at a time: its answer decides what the next one's `ctr` and `prev` are. */
export class ActPending extends CryptoError {
  constructor(message: string) {
    super("act-pending", message);
  }
}

/** The act depends on what others do: it is signed when the seat is connected. */
export class NotOffline extends CryptoError {
  constructor(message: string) {
    super("not-offline", message);
  }
}

/** Not proven yet; ask again. */
export class GateClosed extends CryptoError {
  constructor(message: string) {
    super("gate-closed", message);
  }
}

/** Stop: the server shows a record that this seat cannot accept. */
export class RecordUntrusted extends CryptoError {
  constructor(message: string) {
    super("record-untrusted", message);
  }
}

/** Stop: two histories. `evidence` is what this seat verified, and what it is shown instead: for whoever decides. */
export class RecordForked extends RecordUntrusted {
  readonly evidence: JsonObject;

  constructor(message: string, evidence: JsonObject) {
    super(message);
    this.evidence = evidence;
  }
}

/** Not a matter of this seat: another centre has to look first. */
export class NotConfirmed extends CryptoError {
  constructor(message: string) {
    super("not-confirmed", message);
  }
}

/** The log goes on in another one, and what is missing of this seat's acts comes again with `Seat.resume`. */
export class LogContinued extends CryptoError {
  constructor(message: string) {
    super("log-continued", message);
  }
}

/** Stop: the agreement that the server hands out is not the one that the seat's own centre named. */
export class PinsRefused extends CryptoError {
  constructor(message: string) {
    super("pins-refused", message);
  }
}

/** A journal of another key, seat or log. */
export class JournalBroken extends CryptoError {
  constructor(message: string) {
    super("journal-broken", message);
  }
}

/** Two tabs with one key would sign two acts with one `ctr`. */
export class SeatInUse extends CryptoError {
  constructor(message: string) {
    super("seat-in-use", message);
  }
}

/** `item` is [bidder, criterion] where one score is meant. */
export class SheetRefused extends CryptoError {
  readonly item: readonly [string, string] | null;

  constructor(code: string, message: string, item: readonly [string, string] | null = null) {
    super(code, message);
    this.item = item;
  }
}

/** `mine` and `stated` are digests in base64url. */
export class RankingDiffers extends CryptoError {
  readonly mine: string;
  readonly stated: string;

  constructor(mine: string, stated: string) {
    super("ranking-differs", `the own ranking is ${mine}, the report states ${stated}`);
    this.mine = mine;
    this.stated = stated;
  }
}
