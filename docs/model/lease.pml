/*
 * The lease, with time: who waits watches the record, who holds it renews it, and trusts it for a while.
 * README.md says what is checked, with which bounds, and how to run it.
 *
 * Who is authoritative: the table, by conditional writes. Time passes for all in the same steps; no worker reads
 * another's clock, and the record holds no time. What can fail: a worker stands still for any time (FREEZES) or is gone
 * for good (CRASHES), a request or a reply takes any time, or is lost (LOSSES). The same record version is told by one
 * bit for each watcher, which every write clears.
 */
#ifndef WORKERS
#define WORKERS 3
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef FREEZES
#define FREEZES 1
#endif
#ifndef LOSSES
#define LOSSES 1
#endif
/* In steps of time: the duration of the lease, and for how long after its last renewal a holder trusts it. */
#ifndef DURATION
#define DURATION 3
#endif
#define TRUST (DURATION - 1)
/* What is older than this is as old as this. */
#define OLD (DURATION + 1)
#define NOBODY 255

/* ---- Properties: bits of CHECKS say which are checked; the name is in the checker's message. */
#ifndef CHECKS
#define CHECKS 4095
#endif
#define CHECK(property, bit, condition) assert((condition) || !(CHECKS & (1 << bit)) || property)
#define I7(condition) CHECK(I7_nothing_is_left, 7, condition)
#define I8(condition) CHECK(I8_tokens_only_grow, 8, condition)
#define K(condition) CHECK(K_a_holder_that_lives_keeps_its_lease, 11, condition)
hidden byte I7_nothing_is_left, I8_tokens_only_grow, K_a_holder_that_lives_keeps_its_lease;

/* ---- The item. */
bool held;
byte holder = NOBODY, token;
/* Whether the record still is the one that this worker saw last. */
bool isSame[WORKERS];

/* ---- The workers. */
#define WAITS 0
#define HAS 1
#define ENDED 2
#define DEAD 3
byte phase[WORKERS], myToken[WORKERS];
bool frozen[WORKERS];
/* Since the look that first found the record as it is; since the last renewal that succeeded began. */
byte watched[WORKERS], sinceRenewal[WORKERS];
/* A request to the table on its way there, or its reply on the way back; since it was sent. */
#define NONE 0
#define SENT 1
#define WRITTEN 2
#define REFUSED 3
byte request[WORKERS], sinceSent[WORKERS];

byte crashes = CRASHES, freezes = FREEZES, losses = LOSSES;

/* ---- What nobody but the properties looks at. */
byte newestToken, going = WORKERS;
bool unreleased, someCrashed;

#ifdef TRUST_FOR_EVER
#define TRUSTS(w) (phase[w] == HAS && !frozen[w])
#define TRUST_IS_OVER(w) false
#else
#define TRUSTS(w) (phase[w] == HAS && sinceRenewal[w] < TRUST)
#define TRUST_IS_OVER(w) (phase[w] == HAS && sinceRenewal[w] >= TRUST)
#endif
#define ACTS(w) (!frozen[w])

#ifdef EXPIRY
/* A time of expiry, compared with the clock of a host that may be fast. */
#define MAY_TAKE_OVER(w) true
#elif defined(NO_WATCH)
#define MAY_TAKE_OVER(w) isSame[w]
#else
#define MAY_TAKE_OVER(w) (isSame[w] && watched[w] >= DURATION)
#endif
#ifdef RELEASE_ANY
#define MAY_RELEASE(w) held
#else
#define MAY_RELEASE(w) (held && holder == w)
#endif

inline isWritten() {
  i = 0;
  do :: i < WORKERS -> isSame[i] = false; i++ :: else -> break od;
  i = 0
}

inline isTakenFrom(w, other) { K(other == NOBODY || other == w || !TRUSTS(other)) }

inline answer(w) {
  if
  :: phase[w] == HAS ->
    if
    :: held && holder == w && token == myToken[w] -> isWritten(); request[w] = WRITTEN
    :: else -> request[w] = REFUSED
    fi
  :: phase[w] == WAITS && (!held || holder == w || MAY_TAKE_OVER(w)) ->
    isTakenFrom(w, holder);
    held = true;
    holder = w;
    token++;
    I8(token > newestToken);
    newestToken = token;
    isWritten();
    request[w] = WRITTEN;
    myToken[w] = token
  :: phase[w] == WAITS && !(!held || holder == w || MAY_TAKE_OVER(w)) -> request[w] = REFUSED
  :: else -> request[w] = NONE
  fi
}

inline ends(w) {
  phase[w] = ENDED;
  going--;
  watched[w] = 0;
  sinceRenewal[w] = 0;
  request[w] = NONE;
  sinceSent[w] = 0;
  if
  :: MAY_RELEASE(w) ->
    if
    :: losses > 0 && holder == w -> losses--; unreleased = true
    :: true ->
      isTakenFrom(w, holder);
      held = false;
      holder = NOBODY;
#ifdef RELEASE_DELETES
      token = 0;
#endif
      isWritten()
    fi
  :: else
  fi
}

proctype Worker(byte w) {
  byte i;
end:
  do
  /* A look. */
  :: d_step { ACTS(w) && phase[w] == WAITS && held && holder != w && !isSame[w] && request[w] == NONE -> isSame[w] = true; watched[w] = 0 }
  :: d_step {
      ACTS(w) && phase[w] == WAITS && request[w] == NONE && (!held || holder == w || MAY_TAKE_OVER(w)) ->
      request[w] = SENT;
      sinceSent[w] = 0
    }
  :: d_step { ACTS(w) && TRUSTS(w) && sinceRenewal[w] > 0 && request[w] == NONE -> request[w] = SENT; sinceSent[w] = 0 }
  /* The table; its reply may be a long time on its way. */
  :: d_step { request[w] == SENT -> answer(w) }
  :: d_step { request[w] == SENT && losses > 0 -> losses--; request[w] = NONE; sinceSent[w] = 0 }
  :: d_step { request[w] == WRITTEN && losses > 0 -> losses--; request[w] = NONE; sinceSent[w] = 0 }
  :: d_step {
      ACTS(w) && request[w] == WRITTEN && (phase[w] == WAITS || phase[w] == HAS) ->
      phase[w] = HAS;
      sinceRenewal[w] = sinceSent[w];
      watched[w] = 0;
      request[w] = NONE;
      sinceSent[w] = 0
    }
  :: d_step { ACTS(w) && request[w] == REFUSED && phase[w] == WAITS -> request[w] = NONE; sinceSent[w] = 0 }
  :: atomic { ACTS(w) && request[w] == REFUSED && phase[w] == HAS -> ends(w) }
  /* Its work is done; or it may trust its lease no longer, and gives up. */
  :: atomic { ACTS(w) && phase[w] == HAS && request[w] == NONE -> ends(w) }
  :: atomic { ACTS(w) && TRUST_IS_OVER(w) -> ends(w) }
  /* What can happen to it. */
  :: d_step {
      crashes > 0 && phase[w] != ENDED && phase[w] != DEAD ->
      crashes--;
      someCrashed = true;
      going--;
      request[w] = NONE;
      phase[w] = DEAD;
      frozen[w] = false;
      watched[w] = 0;
      sinceRenewal[w] = 0;
      sinceSent[w] = 0
    }
  :: d_step { freezes > 0 && phase[w] != ENDED && phase[w] != DEAD && !frozen[w] -> freezes--; frozen[w] = true }
  :: d_step { frozen[w] -> frozen[w] = false }
  od
}

#define ONE_OLDER(age) (age < OLD -> age + 1 : OLD)

/* Who has to stop now, and can, does so before time goes on; and time goes on only if somebody grows older. */
#define STOPS(w) (ACTS(w) && TRUST_IS_OVER(w))
#define GROWS_OLDER(w) ((phase[w] == WAITS && isSame[w] && watched[w] < OLD) || (phase[w] == HAS && sinceRenewal[w] < OLD) \
  || (request[w] != NONE && sinceSent[w] < OLD))
#if WORKERS == 2
#define SOME(is) (is(0) || is(1))
#elif WORKERS == 3
#define SOME(is) (is(0) || is(1) || is(2))
#else
#define SOME(is) (is(0) || is(1) || is(2) || is(3))
#endif

proctype Time() {
  byte w;
end:
  do
  :: d_step {
      !SOME(STOPS) && SOME(GROWS_OLDER) ->
      do
      :: w < WORKERS ->
        if :: phase[w] == WAITS && isSame[w] -> watched[w] = ONE_OLDER(watched[w]) :: else fi;
        if :: phase[w] == HAS -> sinceRenewal[w] = ONE_OLDER(sinceRenewal[w]) :: else fi;
        if :: request[w] != NONE -> sinceSent[w] = ONE_OLDER(sinceSent[w]) :: else fi;
        w++
      :: else -> break
      od;
      w = 0
    }
  od
}

proctype AtTheEnd() {
  d_step { going == 0 -> I7(!held || someCrashed || unreleased) }
}

init {
  byte i;
  atomic {
    do :: crashes > 0 -> crashes-- :: break od;
    i = 0;
    do :: i < WORKERS -> run Worker(i); i++ :: else -> break od;
    run Time();
    run AtTheEnd();
    i = 0
  }
}
