// "10 % off above 100": a tenth off the goods where they come to more than a threshold.
import { get as settingsJson } from 'kassa:host/settings@0.1.0';

const WHOLE = 10_000n; // basis points

export const pricing = {
  // What is thrown as `{tag, val}` of the contract's `error` is its error; anything else would be a trap, or no error of the contract.
  price(request) {
    try {
      return quote(request, readSettings());
    } catch (cause) {
      throw isError(cause) ? cause : { tag: 'internal', val: String(cause) };
    }
  },
};

function quote(request, { above, offBp }) {
  const adjustments = [];
  const goods = request.lines.reduce((sum, line) => sum + BigInt(line.unitPrice) * BigInt(line.quantity), 0n);
  // Amounts in settings are in the shop's own currency; where the cart is in another, this names the shop's.
  const isForeign = request.attributes.some(([name]) => name === 'shop-currency');
  if (!isForeign && goods > above) {
    const [off, left] = [share(goods, offBp), goods + addedSoFar(request)];
    adjustments.push({
      target: { tag: 'order' },
      kind: 'discount',
      code: 'off-above',
      label: `${percent(offBp)} % off`,
      amount: -(off < left ? off : left),
    });
  }
  return { currency: request.currency, adjustments, coupons: [], messages: [] };
}

// What the plugins before this one took off the goods and added to them. More than is left may not be taken off.
function addedSoFar({ soFar }) {
  const onGoods = ({ kind, target }) => ['discount', 'fee'].includes(kind) && target.tag !== 'delivery';
  return soFar.filter(onGoods).reduce((sum, { amount }) => sum + BigInt(amount), 0n);
}

function readSettings() {
  const settings = JSON.parse(settingsJson());
  return {
    above: integer(settings, 'above', Number.MAX_SAFE_INTEGER),
    offBp: integer(settings, 'off_bp', Number(WHOLE)),
  };
}

function integer(settings, name, most) {
  const value = settings[name];
  if (!Number.isSafeInteger(value) || value < 0 || value > most) {
    throw { tag: 'invalid-settings', val: `${name}: must be an integer of 0 to ${most}` };
  }
  return BigInt(value);
}

// Rounded half away from zero; the amount is 0 or more.
function share(amount, basisPoints) {
  return (amount * basisPoints + WHOLE / 2n) / WHOLE;
}

// 1000 is "10", 1250 is "12.5".
function percent(basisPoints) {
  const hundredths = String(basisPoints % 100n).padStart(2, '0').replace(/0+$/, '');
  return hundredths ? `${basisPoints / 100n}.${hundredths}` : `${basisPoints / 100n}`;
}

function isError(cause) {
  return typeof cause?.tag === 'string';
}
