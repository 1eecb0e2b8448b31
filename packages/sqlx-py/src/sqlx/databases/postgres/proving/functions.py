"""What the server's own functions do with NULL.

A strict function gives NULL for NULL; for anything else it may still give NULL, as
`array_length('{}', 1)` does, or `to_char(timestamp 'infinity', 'YYYY')`. So what never
does is listed here, by the names of the C functions: SQL's names are overloaded
(`lower` of a text is a text, that of an empty range is NULL), and any name can be taken
by a function of the user's. Those that the server brings in SQL are `sql_` and their
OID.
"""

from __future__ import annotations

from itertools import product

__all__ = ["ALWAYS", "COUNTS", "NULL_FOR_NO_ROWS", "RANKS", "SURE"]


def _names(*texts: str) -> frozenset[str]:
    return frozenset(" ".join(texts).split())


_ORDER = ("eq", "ne", "lt", "le", "gt", "ge")
_ORDERED = _names("""
array_ bit bool bpchar bytea cash_ char date_ enum_ float4 float48 float8 float84 int2
int24 int28 int4 int42 int48 int8 int82 int84 interval_ jsonb_ macaddr_ macaddr8_
multirange_ name network_ numeric_ oid oidvector pg_lsn_ range_ record_ tid time_
timestamp_ timetz_ tsquery_ tsvector_ uuid_ xid8
""")
_MIXED = _names("""
date_{}_timestamp date_{}_timestamptz timestamp_{}_date timestamp_{}_timestamptz
timestamptz_{}_date timestamptz_{}_timestamp name{}text text{}name
""")
_COMPARED = """
cideq text_ge text_gt text_le text_lt texteq textne xideq xidneq
bpchar_pattern_ge bpchar_pattern_gt bpchar_pattern_le bpchar_pattern_lt
text_pattern_ge text_pattern_gt text_pattern_le text_pattern_lt
"""
_COUNTED = _names("""
int2 int4 int8 int24 int28 int42 int48 int82 int84 float4 float8 float48 float84
""")
_ARITHMETIC = ("pl", "mi", "mul", "div")
_NUMBERS = """
cash_div_cash cash_div_flt4 cash_div_flt8 cash_div_int2 cash_div_int4 cash_div_int8
cash_mi cash_mul_flt4 cash_mul_flt8 cash_mul_int2 cash_mul_int4 cash_mul_int8 cash_pl
dcbrt dceil degrees dexp dfloor dlog1 dlog10 dpi dpow drandom dround dsign dsqrt dtrunc
float4abs float4um float4up float8abs float8um float8up flt4_mul_cash flt8_mul_cash
int2_mul_cash int2abs int2and int2mod int2not int2or int2shl int2shr int2um int2up
int2xor int4_mul_cash int4abs int4and int4gcd int4lcm int4mod int4not int4or int4shl
int4shr int4um int4up int4xor int8_mul_cash int8abs int8and int8gcd int8lcm int8mod
int8not int8or int8shl int8shr int8um int8up int8xor numeric_abs numeric_add
numeric_ceil numeric_div numeric_div_trunc numeric_exp numeric_floor numeric_gcd
numeric_lcm numeric_ln numeric_log numeric_mod numeric_mul numeric_power numeric_round
numeric_sign numeric_sqrt numeric_sub numeric_trim_scale numeric_trunc numeric_uminus
numeric_uplus pg_lsn_mi radians width_bucket_float8 width_bucket_numeric
"""
_CASTS = """
bool_int4 booltext bpchar bpchar_name cash_numeric char_bpchar char_text dtof dtoi2
dtoi4 dtoi8 float4_numeric float8_numeric ftod ftoi2 ftoi4 ftoi8 i2tod i2tof i2toi4
i4tod i4tof i4toi2 i8tod i8tof i8tooid int28 int2_numeric int48 int4_bool int4_cash
int4_numeric int82 int84 int8_cash int8_numeric inet_to_cidr interval_scale
interval_time name_bpchar name_text numeric numeric_cash numeric_float4 numeric_float8
numeric_int2 numeric_int4 numeric_int8 oidtoi8 rtrim1 text_char text_name text_regclass
time_interval time_scale time_timetz timestamp_date timestamp_scale
timestamp_timestamptz timestamptz_date timestamptz_scale timestamptz_timestamp
timetz_scale timetz_time date_timestamp date_timestamptz varbit varchar bit bitfromint4
bitfromint8 bittoint4 bittoint8 chartoi4 i4tochar macaddrtomacaddr8 macaddr8tomacaddr
"""
_TEXTS = """
ascii binary_decode binary_encode bitcat bitlength bpcharlen bpcharoctetlen
btrim btrim1 byteacat bytealike byteanlike byteaoctetlen byteapos byteatrim
bytea_substr bytea_substr_no_len chr initcap like_escape lower lpad ltrim ltrim1
md5_bytea md5_text nameiclike nameicnlike nameicregexeq nameicregexne namelike namenlike
nameregexeq nameregexne pg_convert pg_convert_from pg_convert_to quote_ident
quote_literal regexp_count regexp_count_no_flags regexp_count_no_start regexp_like
regexp_like_no_flags repeat replace_text rpad rtrim sha224_bytea sha256_bytea
sha384_bytea sha512_bytea similar_to_escape_1 similar_to_escape_2 split_part
text_format text_format_nv text_left text_reverse text_right text_starts_with
text_substr text_substr_no_len textcat texticlike texticnlike texticregexeq
texticregexne textlen textlike textnlike textoctetlen textoverlay textoverlay_no_len
textpos textregexeq textregexne textregexreplace textregexreplace_noopt to_bin32
to_bin64 to_hex32 to_hex64 to_oct32 to_oct64 translate upper casefold
"""
_TIMES = """
clock_timestamp date_finite date_mi date_mi_interval date_mii date_pl_interval date_pli
datetime_timestamp datetimetz_timestamptz float8_timestamptz interval_div
interval_finite interval_justify_days interval_justify_hours interval_justify_interval
interval_mi interval_mul interval_pl interval_trunc interval_um make_date make_interval
make_time make_timestamp make_timestamptz make_timestamptz_at_timezone mul_d_interval
now statement_timestamp time_mi_interval time_mi_time time_pl_interval timeofday
timestamp_age timestamp_finite timestamp_izone timestamp_mi timestamp_mi_interval
timestamp_pl_interval timestamp_trunc timestamp_zone timestamptz_age timestamptz_izone
timestamptz_mi_interval timestamptz_pl_interval timestamptz_trunc timestamptz_trunc_zone
timestamptz_zone timetz_mi_interval timetz_pl_interval timestamp_at_local
timestamptz_at_local
"""
_CONTAINERS = """
array_append array_cardinality array_cat array_prepend array_remove array_replace
array_to_json array_to_text array_to_text_null arraycontained arraycontains arrayoverlap
elem_contained_by_range json_array_length json_typeof jsonb_array_length jsonb_concat
jsonb_contained jsonb_contains jsonb_delete jsonb_delete_array jsonb_delete_idx
jsonb_delete_path jsonb_exists jsonb_exists_all jsonb_exists_any jsonb_insert
jsonb_pretty jsonb_set jsonb_typeof range_adjacent range_after range_before
range_constructor2 range_constructor3 range_contained_by range_contains
range_contains_elem range_intersect range_lower_inc range_lower_inf range_overlaps
range_overleft range_overright range_union range_upper_inc range_upper_inf
row_to_json row_to_json_pretty text_to_array to_json to_jsonb tsvector_concat
range_empty multirange_empty
"""
_OTHERS = """
current_database current_user gen_random_uuid inetand inetmi inetmi_int8 inetnot inetor
inetpl network_family network_host network_masklen network_overlap network_show
network_sub network_subeq network_sup network_supeq nextval_oid currval_oid lastval
setval_oid setval3_oid pg_backend_pid pg_client_encoding pg_current_xact_id
pg_my_temp_schema pg_size_pretty pg_size_pretty_numeric
pg_try_advisory_lock_int4 pg_try_advisory_lock_int8 pg_try_advisory_lock_shared_int4
pg_try_advisory_lock_shared_int8 pg_try_advisory_xact_lock_int4
pg_try_advisory_xact_lock_int8 pg_try_advisory_xact_lock_shared_int4
pg_try_advisory_xact_lock_shared_int8 pg_typeof pgsql_version plainto_tsquery
plainto_tsquery_byid phraseto_tsquery phraseto_tsquery_byid session_user to_tsquery
to_tsquery_byid to_tsvector to_tsvector_byid ts_match_qv ts_match_tq ts_match_tt
ts_match_vq ts_rank_tt ts_rank_ttf ts_rank_wtt ts_rank_wttf ts_rankcd_tt ts_rankcd_ttf
ts_rankcd_wtt ts_rankcd_wttf tsquery_and tsquery_not tsquery_or tsvector_length
tsvector_setweight tsvector_strip uuidv7 uuidv7_interval websearch_to_tsquery
websearch_to_tsquery_byid
"""
# age, quote_literal, bit_length, log, log10, lpad, rpad, round and trunc of a numeric,
# and operators the other way round: each calls one of those above.
_IN_SQL = """
sql_1176 sql_1285 sql_1296 sql_1298 sql_1386 sql_1481 sql_1708 sql_1710 sql_1741
sql_1810 sql_1811 sql_1812 sql_1848 sql_2003 sql_2004 sql_2059 sql_2546 sql_2547
sql_2548 sql_2549 sql_2550 sql_2631 sql_879 sql_880
"""

SURE = _names(
    *(kind + order for kind, order in product(_ORDERED, _ORDER)),
    *(mixed.format(order) for mixed, order in product(_MIXED, _ORDER)),
    *(kind + operation for kind, operation in product(_COUNTED, _ARITHMETIC)),
    *(_COMPARED, _NUMBERS, _CASTS, _TEXTS, _TIMES, _CONTAINERS, _OTHERS, _IN_SQL),
)
"""Functions that give NULL only when an argument is NULL."""

ALWAYS = _names("""
json_build_array json_build_array_noargs json_build_object json_build_object_noargs
jsonb_build_array jsonb_build_array_noargs jsonb_build_object
jsonb_build_object_noargs pg_num_nonnulls pg_num_nulls quote_nullable sql_1290
text_concat
""")
"""Functions that never give NULL, unless VARIADIC hands them NULL for all arguments."""

RANKS = _names("""
window_cume_dist window_dense_rank window_percent_rank window_rank window_row_number
""")
"""Window functions that never give NULL."""

COUNTS = frozenset({"count"})
"""Aggregates of the server's that never give NULL."""

NULL_FOR_NO_ROWS = {
    **dict.fromkeys(("array_agg", "json_agg", "json_object_agg"), False),
    **dict.fromkeys(("jsonb_agg", "jsonb_object_agg"), False),
    **dict.fromkeys(("any_value", "avg", "bit_and", "bit_or", "bit_xor"), True),
    **dict.fromkeys(("bool_and", "bool_or", "every", "max", "min"), True),
    **dict.fromkeys(("string_agg", "sum"), True),
}
"""Aggregates that give NULL only for no rows, and whether they pass over NULLs."""
