// Shows a Node program another time of day, which goes on with real time.
//
// Loaded with --require before the program, its ES modules included, and in its worker threads and child processes.
// UNREPEAT_NOW is the time to show, UNREPEAT_NOW_SINCE the real time at which it was that late.
'use strict'

const RealDate = Date
const realNow = Date.now.bind(Date)
const ahead = RealDate.parse(process.env.UNREPEAT_NOW) - RealDate.parse(process.env.UNREPEAT_NOW_SINCE)

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

if (Number.isFinite(ahead)) {
  showDate()
  showFormats()
  if (globalThis.Temporal) showTemporal()
  showTimeOrigin()
}
