// Shows a Node program another time of day, which goes on with real time.
//
// Loaded with --require before the program, its ES modules included, and in its worker threads and child processes.
// UNREPEAT_NOW is the time to show, UNREPEAT_NOW_SINCE the real time at which it was that late.
'use strict'

const { appendFileSync } = require('node:fs')
const { syncBuiltinESMExports } = require('node:module')
const threads = require('node:worker_threads')

const RealDate = Date
const realNow = Date.now.bind(Date)
const { UNREPEAT_NOW, UNREPEAT_NOW_SINCE, UNREPEAT_NOW_SHOWN } = process.env
const ahead = RealDate.parse(UNREPEAT_NOW) - RealDate.parse(UNREPEAT_NOW_SINCE)

function now () {
  return realNow() + ahead
}

function showDate () {
  // One prototype and one type: `instanceof` holds for dates that Node itself makes, and classes can derive from it.
  const shown = new Proxy(RealDate, {
    apply: () => new RealDate(now()).toString(),
    construct: (target, args, derived) => Reflect.construct(target, args.length ? args : [now()], derived)
  })
  RealDate.now = now
  RealDate.prototype.constructor = shown
  globalThis.Date = shown
}

function showFormats () {
  // Without a date, or with undefined for one, these format the current time.
  const prototype = Intl.DateTimeFormat.prototype
  const format = Object.getOwnPropertyDescriptor(prototype, 'format')
  Object.defineProperty(prototype, 'format', {
    ...format,
    get () {
      const bound = format.get.call(this)
      return date => bound(date === undefined ? now() : date)
    }
  })
  const formatToParts = prototype.formatToParts
  prototype.formatToParts = function (date) {
    return formatToParts.call(this, date === undefined ? now() : date)
  }
}

function showTemporal () {
  const { Instant, Now } = globalThis.Temporal
  const here = zone => Instant.fromEpochMilliseconds(now()).toZonedDateTimeISO(zone ?? Now.timeZoneId())
  Now.instant = () => Instant.fromEpochMilliseconds(now())
  Now.zonedDateTimeISO = here
  Now.plainDateTimeISO = zone => here(zone).toPlainDateTime()
  Now.plainDateISO = zone => here(zone).toPlainDate()
  Now.plainTimeISO = zone => here(zone).toPlainTime()
}

function showTimeOrigin () {
  // Tracing libraries add performance.now() to it, and get the time of day.
  const prototype = Object.getPrototypeOf(performance)
  const real = Object.getOwnPropertyDescriptor(prototype, 'timeOrigin')
  if (real?.get) {
    Object.defineProperty(prototype, 'timeOrigin', { ...real, get () { return real.get.call(this) + ahead } })
  }
}

function showWorkers () {
  // A worker may be given an environment of its own, in which nothing is said of another time.
  const load = `--require "${__filename.replace(/["\\]/g, '\\$&')}"`
  const shown = env => ({
    ...env,
    UNREPEAT_NOW,
    UNREPEAT_NOW_SINCE,
    NODE_OPTIONS: env.NODE_OPTIONS ? `${load} ${env.NODE_OPTIONS}` : load
  })
  threads.Worker = class Worker extends threads.Worker {
    constructor (file, options) {
      const env = options?.env
      super(file, env && typeof env === 'object' && env !== process.env ? { ...options, env: shown(env) } : options)
    }
  }
  syncBuiltinESMExports()
}

function report () {
  if (!UNREPEAT_NOW_SHOWN) return
  try {
    appendFileSync(UNREPEAT_NOW_SHOWN, 'Date in Node\n')
  } catch {} // without a report the harness takes it that the time was not shown
}

// Going on would show the program the real time.
if (!Number.isFinite(ahead)) throw new Error('unrepeat cannot show this program the time of the incident')
showDate()
showFormats()
if (globalThis.Temporal) showTemporal()
showTimeOrigin()
showWorkers()
report()
