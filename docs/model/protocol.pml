/*
 * The protocol by which migrations are applied: lease, token, session, advisory lock, fence, ledger, journal.
 * README.md says what is checked, with which bounds, and how to run it.
 *
 * Who is authoritative: the server's tables and its lock; a worker knows only what it was told, and stands still
 * between any two of its steps for as long as the search likes, which is what a frozen process does. What can fail:
 * any worker at any step (CRASHES), any connection (CUTS), any reply of the lease table (LOSSES); the lease is taken
 * from anybody at any time (TAKEOVERS), or freed by an operator (FORCED). Once a worker is dead, taking its lease
 * costs nothing. No time is in this model: that a holder that lives keeps its lease is the business of lease.pml.
 *
 * A message to the server is done by the server, at a time of its own, whether or not its sender still lives.
 */
#ifndef WORKERS
#define WORKERS 3
#endif
#ifndef MIGRATIONS
#define MIGRATIONS 3
#endif
/* The migration that is CREATE INDEX CONCURRENTLY, outside any transaction; none: MIGRATIONS or more. */
#ifndef INDEX
#define INDEX 1
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef CUTS
#define CUTS 0
#endif
#ifndef LOSSES
#define LOSSES 0
#endif
#ifndef TAKEOVERS
#define TAKEOVERS 1
#endif
#ifndef FORCED
#define FORCED 0
#endif
/* Its place in the arrays; of no use when there is none. */
#define AT (INDEX < MIGRATIONS -> INDEX : 0)
/* Workers 0 and 1 are two attempts of one execution: they share its lease. */
#ifdef SHARED
#define HOLDER(w) (w < 2 -> 0 : w)
#else
#define HOLDER(w) (w)
#endif
#define SHARES(w) (HOLDER(w) == 0 && HOLDER(1) == 0)

/* Each lost connection may leave a session behind. */
#define SESSIONS (WORKERS + CUTS)
#define NOBODY 255

/* ---- Properties: bits of CHECKS say which are checked; the name is in the checker's message. */
#ifndef CHECKS
#define CHECKS 2047
#endif
#define CHECK(property, bit, condition) assert((condition) || !(CHECKS & (1 << bit)) || property)
#define I1(condition) CHECK(I1_each_effect_at_most_once, 1, condition)
#define I2(condition) CHECK(I2_the_ledger_equals_the_effects, 2, condition)
#define I3(condition) CHECK(I3_never_two_at_a_time, 3, condition)
#define I4(condition) CHECK(I4_nobody_writes_after_a_newer_attempt_was_let_in, 4, condition)
#define I5(condition) CHECK(I5_in_order, 5, condition)
#define I6(condition) CHECK(I6_every_run_ends_with_everything_applied, 6, condition)
#define I7(condition) CHECK(I7_nothing_is_left, 7, condition)
#define I8(condition) CHECK(I8_tokens_only_grow, 8, condition)
#define I9(condition) CHECK(I9_success_means_that_all_is_applied, 9, condition)
#define I10(condition) CHECK(I10_no_index_is_invalid_and_no_step_open, 10, condition)
hidden byte I1_each_effect_at_most_once, I2_the_ledger_equals_the_effects, I3_never_two_at_a_time,
  I4_nobody_writes_after_a_newer_attempt_was_let_in, I5_in_order, I6_every_run_ends_with_everything_applied,
  I7_nothing_is_left, I8_tokens_only_grow, I9_success_means_that_all_is_applied,
  I10_no_index_is_invalid_and_no_step_open;

/* ---- The lease item; with LEASE_IN_POSTGRES there is none: the lock is the lease. */
bool leaseHeld;
byte leaseHolder = NOBODY, leaseToken;

/* ---- The database. */
byte lockBy = NOBODY;
byte fenceToken;
bool ledger[MIGRATIONS], started;
/* How many have no row in the ledger. */
byte pending = MIGRATIONS;
byte effects[MIGRATIONS];
#define ABSENT 0
#define INVALID 1
#define VALID 2
byte theIndex = ABSENT;

#define NOTHING 0
#define CLAIM 1
#define STEP 2    /* a migration in a transaction of its own, with its ledger row */
#define EFFECT 3  /* the second half of one that a mutant splits */
#define START 4   /* journal: started */
#define BUILD 5   /* the statement outside a transaction */
#define DONE 6    /* journal: done, and the ledger row */
#define DROP 7    /* of what a broken-off build left */
#define FORGET 8  /* the journal row of a build that left nothing */
#define MINT 9    /* PostgreSQL's own lease */

typedef Session {
  byte worker, token;
  byte message, migration;
  bool alive, clientGone, building, hasSnapshot, condemned
};
Session session[SESSIONS];
/* How many sessions hold a snapshot that an index build would wait for. */
byte snapshots;
byte sessions;

/* ---- The workers. */
byte mySession[WORKERS] = NOBODY;
bool refused[WORKERS], crashed[WORKERS], ended[WORKERS], someSucceeded;
/* Workers of a holder that are neither dead nor at their end. */
byte living[WORKERS], going = WORKERS;
byte crashes = CRASHES, cuts = CUTS, losses = LOSSES, takeovers = TAKEOVERS, forced = FORCED;

/* ---- What nobody but the properties looks at. */
byte newestToken, letInToken, letInWorker = NOBODY;
bool unreleased, someCrashed;

inline firstPending(m) { m = 0; do :: m < MIGRATIONS && ledger[m] -> m++ :: else -> break od }

inline isMinted(token) {
  I8(token > newestToken);
  newestToken = token
}

inline isLetIn(x) {
  if
  :: session[x].token >= letInToken -> letInToken = session[x].token; letInWorker = session[x].worker
  :: else
  fi
}

/* ---- What protects; each mutant takes one away. */
#ifdef NO_LOCK
#define LOCK_OF(x) true
#define LOCK_IS_FREE true
#else
#define LOCK_OF(x) (lockBy == x)
#define LOCK_IS_FREE (lockBy == NOBODY)
#endif
#ifdef NO_FENCE
#define LET_IN(x) LOCK_OF(x)
#else
#define LET_IN(x) (fenceToken == session[x].token && LOCK_OF(x))
#endif
#if defined(NO_FENCE)
#define MAY_CLAIM(x) true
#elif defined(CLAIM_AS_HIGH)
#define MAY_CLAIM(x) (session[x].token >= fenceToken)
#else
#define MAY_CLAIM(x) (session[x].token > fenceToken)
#endif
#ifdef NO_KEY
#define HAS_ROW(m) false
#else
#define HAS_ROW(m) ledger[m]
#endif

/* ---- The server. */
inline openSession(w, itsToken) {
  x = 0;
  do :: session[x].alive -> x++ :: else -> break od;
  session[x].alive = true;
  sessions++;
  session[x].worker = w;
  session[x].token = itsToken;
  mySession[w] = x;
  x = 0
}

inline endSession(x) {
  if :: lockBy == x -> lockBy = NOBODY :: else fi;
  if :: !session[x].clientGone -> mySession[session[x].worker] = NOBODY :: else fi;
  if :: session[x].hasSnapshot -> snapshots-- :: else fi;
  session[x].alive = false;
  sessions--;
  session[x].clientGone = false;
  session[x].building = false;
  session[x].hasSnapshot = false;
  session[x].condemned = false;
  session[x].message = NOTHING;
  session[x].migration = 0;
  session[x].token = 0;
  session[x].worker = 0
}

inline tellClient(x, isRefused) {
  session[x].message = NOTHING;
  if :: !session[x].clientGone -> refused[session[x].worker] = isRefused :: else fi
}

inline writes(x, which) {
  I3(!isInWindow);
  I4(session[x].token == letInToken && session[x].worker == letInWorker);
  I5(which == 0 || ledger[which - 1])
}

inline writeRow(which) {
  if :: !ledger[which] -> pending-- :: else fi;
  ledger[which] = true
}

/* Whether another session than x is in the middle of a build. */
inline lookAtWindows(x) {
  isInWindow = false;
  y = 0;
  do
  :: y < SESSIONS -> isInWindow = isInWindow || (y != x && session[y].building); y++
  :: else -> break
  od;
  y = 0
}

proctype Backend(byte x) {
  byte y;
  bool isInWindow;
end:
  do
  :: d_step {
      session[x].message == CLAIM ->
      if
      :: MAY_CLAIM(x) -> fenceToken = session[x].token; isLetIn(x); tellClient(x, false)
      :: else -> tellClient(x, true)
      fi
    }
  :: d_step {
      session[x].message == MINT ->
      if
      :: LOCK_OF(x) -> fenceToken++; isMinted(fenceToken); session[x].token = fenceToken; isLetIn(x); tellClient(x, false)
      :: else -> tellClient(x, true)
      fi
    }
  :: d_step {
      session[x].message == STEP ->
      if
      :: LET_IN(x) && !HAS_ROW(session[x].migration) ->
        lookAtWindows(x);
        writes(x, session[x].migration);
        writeRow(session[x].migration);
#ifdef SPLIT
        session[x].message = EFFECT
#else
        effects[session[x].migration]++;
        I1(effects[session[x].migration] == 1);
        tellClient(x, false)
#endif
      :: else -> tellClient(x, true)
      fi;
      isInWindow = false
    }
#ifdef SPLIT
  :: d_step {
      session[x].message == EFFECT ->
      effects[session[x].migration]++;
      tellClient(x, false)
    }
#endif
  :: d_step {
      session[x].message == START ->
      if
      :: LET_IN(x) && !started -> started = true; tellClient(x, false)
      :: else -> tellClient(x, true)
      fi
    }
  :: d_step {
      session[x].message == BUILD ->
      if
      :: theIndex == ABSENT ->
        lookAtWindows(x);
        writes(x, AT);
        theIndex = INVALID;
        session[x].building = true;
        session[x].message = NOTHING
      :: else -> tellClient(x, true)
      fi;
      isInWindow = false
    }
  :: d_step {
      session[x].building && snapshots == 0 ->
      theIndex = VALID;
      session[x].building = false;
      tellClient(x, false)
    }
#ifdef WAIT_IN_SERVER
  /* A cycle that the server sees: it ends the build, or who waits for the lock. */
  :: d_step {
      session[x].building && snapshots > 0 ->
      session[x].building = false;
      tellClient(x, true)
    }
  :: d_step { session[x].hasSnapshot && lockBy != NOBODY && lockBy != x && session[lockBy].building -> endSession(x) }
#endif
  :: d_step {
      session[x].message == DONE ->
      if
      :: LET_IN(x) && !HAS_ROW(AT) ->
        I2(theIndex == VALID);
        started = false;
        writeRow(AT);
        effects[AT]++;
        tellClient(x, false)
      :: else -> tellClient(x, true)
      fi
    }
  :: d_step {
      session[x].message == DROP ->
      lookAtWindows(x);
      I3(!isInWindow);
      I4(session[x].token == letInToken && session[x].worker == letInWorker);
      theIndex = ABSENT;
      isInWindow = false;
      tellClient(x, false)
    }
  :: d_step {
      session[x].message == FORGET ->
      if
      :: LET_IN(x) -> started = false; tellClient(x, false)
      :: else -> tellClient(x, true)
      fi
    }
  /* Sooner or later the server notices that the client is gone. */
  :: d_step { session[x].alive && session[x].clientGone -> endSession(x) }
  od
}

/* ---- A worker: one process, or one invocation. `goto lost` when its attempt is over. */
#ifdef LEASE_IN_POSTGRES
#define HOLDS true
#else
#define HOLDS (leaseHeld && leaseHolder == HOLDER(me) && leaseToken == token)
#endif

/* A renewal that fails ends the attempt, and its session with it. */
inline cancelled() { atomic { !HOLDS -> endMine() } }
inline endMine() {
  if :: mySession[me] != NOBODY -> x = mySession[me]; endSession(x); x = 0 :: else fi
}

inline send(kind, which) {
  if
#ifdef RECONNECT
  :: atomic {
      if :: mySession[me] == NOBODY -> openSession(me, token) :: else fi;
#else
  :: mySession[me] == NOBODY -> goto lost
  :: atomic {
      mySession[me] != NOBODY ->
#endif
      session[mySession[me]].message = kind;
      session[mySession[me]].migration = which;
      refused[me] = false
    }
  :: cancelled() -> goto lost
  fi;
  if
  :: mySession[me] == NOBODY -> goto lost
  :: mySession[me] != NOBODY && session[mySession[me]].message == NOTHING && !session[mySession[me]].building
  :: cancelled() -> goto lost
  fi
}

/* By the holder's name. A lease that could not be freed is left to be taken over. */
#if defined(LEASE_IN_POSTGRES) || defined(NO_RELEASE)
#define MAY_RELEASE false
#else
#define MAY_RELEASE (leaseHeld && leaseHolder == HOLDER(me))
#endif
inline release() {
  atomic {
    if
    :: MAY_RELEASE ->
      if
      :: losses > 0 -> losses--; unreleased = true
      :: leaseHeld = false; leaseHolder = NOBODY;
#ifdef RELEASE_DELETES
        leaseToken = 0
#endif
      fi
    :: else
    fi
  }
}

#if defined(WAIT_IN_SERVER) || defined(POLL_IN_TRANSACTION)
inline waitsInServer() {
  mySession[me] != NOBODY && !LOCK_IS_FREE && lockBy != mySession[me] && !session[mySession[me]].hasSnapshot ->
  session[mySession[me]].hasSnapshot = true;
  snapshots++
}
inline notWaiting() {
  if
  :: session[mySession[me]].hasSnapshot -> session[mySession[me]].hasSnapshot = false; snapshots--
  :: else
  fi
}
#else
inline waitsInServer() { false }
inline notWaiting() { skip }
#endif

proctype Worker(byte me) {
  byte token, m, x;
  {
    skip;
again:
    atomic {
      token = 0;
      if
      :: pending == 0 -> goto success
      :: else
      fi
    };

#ifndef LEASE_IN_POSTGRES
    /* The lease. */
    do
    :: atomic {
        !leaseHeld || leaseHolder == HOLDER(me) ->
#ifdef ONE_TOKEN
        if :: leaseHeld && leaseHolder == HOLDER(me) :: else -> leaseToken++ fi;
#endif
        leaseHeld = true;
        leaseHolder = HOLDER(me);
        break
      }
    :: atomic {
        leaseHeld && leaseHolder != HOLDER(me) && (living[leaseHolder] == 0 || takeovers > 0) ->
        if :: living[leaseHolder] > 0 -> takeovers-- :: else fi;
#ifdef ONE_TOKEN
        leaseToken++;
#endif
        leaseHolder = HOLDER(me);
        break
      }
    /* Asked between a release and the next acquire. */
    :: atomic { !leaseHeld && pending == 0 -> goto success }
    od;

    /* The token. */
    atomic {
      if
      :: leaseHeld && leaseHolder == HOLDER(me) ->
#ifndef ONE_TOKEN
        leaseToken++;
        isMinted(leaseToken);
#endif
        if
        :: token = leaseToken
        :: losses > 0 -> losses--; goto lost
        fi
      :: else -> goto lost
      fi
    };
    atomic { openSession(me, token) };

    /* The lock: polled, and an older session that has it is ended. */
    do
    :: mySession[me] == NOBODY -> goto lost
    :: atomic { mySession[me] != NOBODY && LOCK_IS_FREE -> lockBy = mySession[me]; notWaiting(); break }
    :: atomic {
        mySession[me] != NOBODY && lockBy != NOBODY && lockBy != mySession[me] && session[lockBy].token < token ->
        x = lockBy;
        endSession(x);
        x = 0
      }
    :: cancelled() -> goto lost
    :: atomic { waitsInServer() }
    od;

    /* The fence. */
    send(CLAIM, 0);
    if
    :: atomic {
        refused[me] && leaseHeld && leaseHolder == HOLDER(me) && leaseToken == token && mySession[me] != NOBODY ->
        /* Another lease may have let in as high a token: one above it is minted, once. */
        if :: fenceToken > leaseToken -> leaseToken = fenceToken :: else fi;
#ifndef ONE_TOKEN
        leaseToken++;
        isMinted(leaseToken);
#endif
        token = leaseToken;
        session[mySession[me]].token = token
      };
      send(CLAIM, 0);
      if
      :: refused[me] -> I6(letInToken > token); goto lost
      :: else
      fi
    :: refused[me] && !HOLDS -> goto lost
    :: !refused[me]
    fi;
#else
    /* The lock is the lease, and the fence's row mints the token. */
    atomic { openSession(me, 0) };
    do
    :: mySession[me] == NOBODY -> goto lost
    :: atomic { mySession[me] != NOBODY && LOCK_IS_FREE -> lockBy = mySession[me]; notWaiting(); break }
    /* The session of one that is silent: it runs nothing, and its client has not been heard of. */
    :: atomic {
        mySession[me] != NOBODY && lockBy != NOBODY && lockBy != mySession[me] &&
        session[lockBy].message == NOTHING && !session[lockBy].building &&
        (session[lockBy].clientGone || takeovers > 0) ->
        if :: session[lockBy].clientGone :: else -> takeovers-- fi;
        x = lockBy;
        endSession(x);
        x = 0
      }
    :: atomic { LOCK_IS_FREE && pending == 0 -> endMine(); goto success }
    :: atomic { waitsInServer() }
    od;
    send(MINT, 0);
    if
    :: refused[me] -> goto lost
    :: atomic { !refused[me] && mySession[me] != NOBODY -> token = session[mySession[me]].token }
    :: mySession[me] == NOBODY -> goto lost
    fi;
#endif

    /* The plan, under the lock. Then what is pending, one after the other. */
    atomic { firstPending(m) };
    do
    :: m == MIGRATIONS -> break
    :: m < MIGRATIONS && m != INDEX ->
      send(STEP, m);
      if :: refused[me] -> goto lost :: else -> m++ fi
    :: m == INDEX && m < MIGRATIONS && !started ->
      send(START, m);
      if :: refused[me] -> goto lost :: else fi;
      send(BUILD, m);
      if :: refused[me] -> I6(false); goto lost :: else fi;
      if
      :: theIndex == VALID -> send(DONE, m); if :: refused[me] -> goto lost :: else -> m++ fi
      :: else -> I6(false); goto lost
      fi
    /* What an earlier attempt left is told from the catalogs. */
    :: m == INDEX && m < MIGRATIONS && started && theIndex == VALID ->
      send(DONE, m);
      if :: refused[me] -> goto lost :: else -> m++ fi
    :: m == INDEX && m < MIGRATIONS && started && theIndex != VALID ->
#ifdef NO_CATALOG
      send(DONE, m);
      if :: refused[me] -> goto lost :: else -> m++ fi
#else
      if
      :: theIndex == INVALID -> send(DROP, m)
      :: else
      fi;
      send(FORGET, m);
      if :: refused[me] -> goto lost :: else fi
#endif
    od;

    atomic { endMine() };
    release();
    goto success;

lost:
    atomic { endMine(); m = 0 };
    if
    :: !SHARES(me) -> release(); goto again
    /* An attempt of an execution is not repeated for the sake of another one; the lease is released by the execution. */
    :: SHARES(me) ->
      if
      :: atomic { leaseHolder == 0 && leaseToken > token && living[0] > 1 -> goto replaced }
      :: else -> goto again
      fi
    fi;

success:
    atomic {
      token = 0;
      m = 0;
      someSucceeded = true;
      I9(pending == 0)
    }
replaced:
    atomic { token = 0; x = 0; ended[me] = true; refused[me] = false; living[HOLDER(me)]--; going-- }
  } unless { crashed[me] }
}

/* ---- What can happen to a worker. */
proctype Fate(byte w) {
  byte x;
end:
  do
  :: d_step {
      crashes > 0 && !crashed[w] && !ended[w] ->
      crashes--;
      crashed[w] = true;
      someCrashed = true;
      refused[w] = false;
      living[HOLDER(w)]--;
      going--;
      if :: mySession[w] != NOBODY -> session[mySession[w]].clientGone = true; mySession[w] = NOBODY :: else fi
    }
  :: d_step {
      cuts > 0 && mySession[w] != NOBODY ->
      cuts--;
      session[mySession[w]].clientGone = true;
      mySession[w] = NOBODY
    }
  od
}

/* `lock release --force`: reads who has the lock, frees the lease, ends that session. */
proctype Operator() {
  byte x = NOBODY;
end:
  atomic {
    forced > 0 && leaseHeld ->
    forced--;
    x = lockBy;
    if :: x != NOBODY -> session[x].condemned = true :: else fi
  };
  atomic { leaseHeld = false; leaseHolder = NOBODY };
  atomic { if :: x != NOBODY && session[x].condemned -> endSession(x) :: else fi; x = NOBODY }
}

/* ---- When everybody has ended. */
proctype AtTheEnd() {
  byte m;
  /* A search that finds a state without a next step before this one has found somebody who is stuck. */
  d_step {
    going == 0 && sessions == 0 ->
    I7(lockBy == NOBODY);
    if
    :: someSucceeded ->
      do
      :: m < MIGRATIONS -> I2(ledger[m] && effects[m] == 1); m++
      :: else -> break
      od;
      I10(!started && (INDEX >= MIGRATIONS || theIndex == VALID));
      I7(!leaseHeld || someCrashed || unreleased)
    :: else
    fi
  }
}

init {
  byte i;
  atomic {
    /* What might still happen is no excuse for being stuck: so less may happen than may. */
    do :: crashes > 0 -> crashes-- :: break od;
    do :: cuts > 0 -> cuts-- :: break od;
    do :: takeovers > 0 -> takeovers-- :: break od;
    do :: forced > 0 -> forced-- :: break od;
    i = 0;
    do :: i < WORKERS -> living[HOLDER(i)]++; i++ :: else -> break od;
    i = 0;
    do :: i < SESSIONS -> run Backend(i); i++ :: else -> break od;
    i = 0;
    do :: i < WORKERS -> run Worker(i); run Fate(i); i++ :: else -> break od;
    if :: FORCED > 0 -> run Operator() :: else fi;
    run AtTheEnd();
    i = 0
  }
}
