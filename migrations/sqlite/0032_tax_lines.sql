-- Of a tax, where the plugin says it (kassa:pricing 0.2.0): its rate in parts per million, and what it was computed on, without the tax.
alter table order_adjustments add column rate_ppm integer;
alter table order_adjustments add column base integer;
