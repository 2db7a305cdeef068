-- What a database of migrations 0001 to 0003 held of two events and their travel, entered line by line.
INSERT INTO members (id, phone_digest, phone_hint, joined_at, erased_at) VALUES (
    '01a1fed5-d7ad-7633-857e-279ef6e63803', E'\\x60f0c7af490631b9076ab0a1c60c9ab8040dd4c398ce3e85848e1582de24ac2e', '****0001', '2026-11-21 15:59:49.67129+00', NULL
);
INSERT INTO organizations (id, name, founded_by, founded_at) VALUES (
    '01a1fed5-d7af-712b-b61d-ba035d5e4d46', '会务组', '01a1fed5-d7ad-7633-857e-279ef6e63803', '2026-11-21 15:59:49.67129+00'
);
INSERT INTO organization_members (organization_id, member_id, role, added_at) VALUES (
    '01a1fed5-d7af-712b-b61d-ba035d5e4d46', '01a1fed5-d7ad-7633-857e-279ef6e63803', 'organizer', '2026-11-21 15:59:49.67129+00'
);
INSERT INTO events (id, organization_id, name, kind, country, region, place, venue, latitude, longitude, time_zone, expected_people, factor_set, created_at, same_event_clause) VALUES (
    '01a1fed5-e409-765f-a1e1-cef9a89b6a94', '01a1fed5-d7af-712b-b61d-ba035d5e4d46', '国内会议', 'forum', 'CN', '310000', 'geonames:1796236', '国内会议', '31.22222', '121.45806', 'Asia/Shanghai', '100', 'travel-cn', '2026-11-21 15:59:49.67129+00', NULL
);
INSERT INTO events (id, organization_id, name, kind, country, region, place, venue, latitude, longitude, time_zone, expected_people, factor_set, created_at, same_event_clause) VALUES (
    '01a1fed5-e433-7542-b54a-5799f0e80602', '01a1fed5-d7af-712b-b61d-ba035d5e4d46', 'EGU 2019', 'forum', 'AT', NULL, 'geonames:2761369', 'EGU 2019', '48.20849', '16.37208', 'Europe/Vienna', '100', 'klower-2020', '2026-11-21 15:59:49.67129+00', NULL
);
INSERT INTO opening_hours (event_id, opens_at, closes_at) VALUES (
    '01a1fed5-e409-765f-a1e1-cef9a89b6a94', '2026-11-20 01:00:00+00', '2026-11-20 10:00:00+00'
);
INSERT INTO opening_hours (event_id, opens_at, closes_at) VALUES (
    '01a1fed5-e409-765f-a1e1-cef9a89b6a94', '2026-11-21 01:00:00+00', '2026-11-21 10:00:00+00'
);
INSERT INTO opening_hours (event_id, opens_at, closes_at) VALUES (
    '01a1fed5-e433-7542-b54a-5799f0e80602', '2026-11-20 01:00:00+00', '2026-11-20 10:00:00+00'
);
INSERT INTO opening_hours (event_id, opens_at, closes_at) VALUES (
    '01a1fed5-e433-7542-b54a-5799f0e80602', '2026-11-21 01:00:00+00', '2026-11-21 10:00:00+00'
);
INSERT INTO gates (event_id, name, short_code) VALUES (
    '01a1fed5-e409-765f-a1e1-cef9a89b6a94', 'A', '22FSVGVP'
);
INSERT INTO gates (event_id, name, short_code) VALUES (
    '01a1fed5-e433-7542-b54a-5799f0e80602', 'A', 'G6JZ7FNC'
);
INSERT INTO activity_data (id, event_id, label, mode, people, distance_m, round_trip, emissions_g, trace, entered_by, entered_at) VALUES (
    '01a1fed5-e429-74df-84ae-09d6afcd456a', '01a1fed5-e409-765f-a1e1-cef9a89b6a94', '会务组', 'metro', '12', '10000', 'true', '10354', '{"lines": [{"mode": "metro", "factor": {"key": "metro", "unit": "kgCO2e/pkm", "gases": ["CO2e"], "value": "0.04314", "citation": "《中国产品全生命周期温室气体排放系数集》 地铁（中国城市温室气体工作组，2023）", "certainty": "unverified", "placeholder": true}, "people": "12", "distance_m": 10000, "round_trip": true, "emissions_g": 10354}], "people": "12", "person_m": 240000, "co2_only_g": 0, "factor_set": {"id": "travel-cn", "digest": "4226783d266bd725", "version": "2026.1"}, "emissions_g": 10354}', '01a1fed5-d7ad-7633-857e-279ef6e63803', '2026-11-20 01:00:00+00'
);
INSERT INTO activity_data (id, event_id, label, mode, people, distance_m, round_trip, emissions_g, trace, entered_by, entered_at) VALUES (
    '01a1fed5-e429-74df-84ae-09d79a3a65a4', '01a1fed5-e409-765f-a1e1-cef9a89b6a94', '', 'walk', '3.5', '900', 'false', '0', '{"lines": [{"mode": "walk", "factor": {"key": "walk", "unit": "kgCO2/pkm", "gases": ["CO2"], "value": "0.0", "citation": "DB11/T 3043—2024《碳普惠项目减排量核算技术规范 低碳出行》 步行（北京市市场监督管理局，2024-06-28）", "certainty": "unverified", "placeholder": true}, "people": "3.5", "distance_m": 900, "round_trip": false, "emissions_g": 0}], "people": "3.5", "person_m": 3150, "co2_only_g": 0, "factor_set": {"id": "travel-cn", "digest": "4226783d266bd725", "version": "2026.1"}, "emissions_g": 0}', '01a1fed5-d7ad-7633-857e-279ef6e63803', '2026-11-20 01:00:00+00'
);
INSERT INTO activity_data (id, event_id, label, mode, people, distance_m, round_trip, emissions_g, trace, entered_by, entered_at) VALUES (
    '01a1fed5-e429-74df-84ae-09d847d5f72d', '01a1fed5-e409-765f-a1e1-cef9a89b6a94', '李四''s “车”', 'taxi', '7.25', '12345', 'true', '37244', '{"lines": [{"mode": "taxi", "factor": {"key": "taxi", "unit": "kgCO2e/vkm", "gases": ["CO2", "CH4", "N2O"], "value": "0.20806", "citation": "《Greenhouse gas reporting: conversion factors 2025》 25_313_3141_4_1（UK Department for Energy Security and Net Zero，2025）", "certainty": "verbatim", "placeholder": true}, "people": "7.25", "distance_m": 12345, "round_trip": true, "emissions_g": 37244}], "people": "7.25", "person_m": 179003, "co2_only_g": 0, "factor_set": {"id": "travel-cn", "digest": "4226783d266bd725", "version": "2026.1"}, "emissions_g": 37244}', '01a1fed5-d7ad-7633-857e-279ef6e63803', '2026-11-20 01:00:00+00'
);
INSERT INTO activity_data (id, event_id, label, mode, people, distance_m, round_trip, emissions_g, trace, entered_by, entered_at) VALUES (
    '01a1fed5-e429-74df-84ae-09d9e16ef21d', '01a1fed5-e409-765f-a1e1-cef9a89b6a94', '', 'plane', '2.333333', '1162433', 'true', '612448', '{"lines": [{"mode": "plane", "factor": {"key": "plane", "unit": "gCO2/pkm", "gases": ["CO2"], "value": "112.9", "citation": "《盘一盘高铁飞机的碳排放量》 民航客运全过程，108.3—112.9 的上限（毛保华，北京交通大学）（中国环境报，2024-03-05）", "certainty": "verbatim", "placeholder": true}, "people": "2.333333", "distance_m": 1162433, "round_trip": true, "emissions_g": 612448}], "people": "2.333333", "person_m": 5424687, "co2_only_g": 612448, "factor_set": {"id": "travel-cn", "digest": "4226783d266bd725", "version": "2026.1"}, "emissions_g": 612448}', '01a1fed5-d7ad-7633-857e-279ef6e63803', '2026-11-20 01:00:00+00'
);
INSERT INTO activity_data (id, event_id, label, mode, people, distance_m, round_trip, emissions_g, trace, entered_by, entered_at) VALUES (
    '01a1fed5-e429-74df-84ae-09daa2f9c22e', '01a1fed5-e409-765f-a1e1-cef9a89b6a94', '', 'plane', '1', '450000', 'false', '50805', '{"lines": [{"mode": "plane", "factor": {"key": "plane", "unit": "gCO2/pkm", "gases": ["CO2"], "value": "112.9", "citation": "《盘一盘高铁飞机的碳排放量》 民航客运全过程，108.3—112.9 的上限（毛保华，北京交通大学）（中国环境报，2024-03-05）", "certainty": "verbatim", "placeholder": true}, "people": "1", "distance_m": 450000, "round_trip": false, "emissions_g": 50805}], "people": "1", "person_m": 450000, "co2_only_g": 50805, "factor_set": {"id": "travel-cn", "digest": "4226783d266bd725", "version": "2026.1"}, "emissions_g": 50805}', '01a1fed5-d7ad-7633-857e-279ef6e63803', '2026-11-20 01:00:00+00'
);
INSERT INTO activity_data (id, event_id, label, mode, people, distance_m, round_trip, emissions_g, trace, entered_by, entered_at) VALUES (
    '01a1fed5-e429-74df-84ae-09db180b4e75', '01a1fed5-e409-765f-a1e1-cef9a89b6a94', '', 'high_speed_rail', '40', '300001', 'true', '731523', '{"lines": [{"mode": "high_speed_rail", "factor": {"key": "high_speed_rail", "unit": "gCO2/pkm", "gases": ["CO2"], "value": "30.48", "citation": "《盘一盘高铁飞机的碳排放量》 2019 年高铁全过程（毛保华，北京交通大学）（中国环境报，2024-03-05）", "certainty": "verbatim", "placeholder": true}, "people": "40", "distance_m": 300001, "round_trip": true, "emissions_g": 731523}], "people": "40", "person_m": 24000080, "co2_only_g": 731523, "factor_set": {"id": "travel-cn", "digest": "4226783d266bd725", "version": "2026.1"}, "emissions_g": 731523}', '01a1fed5-d7ad-7633-857e-279ef6e63803', '2026-11-20 01:00:00+00'
);
INSERT INTO activity_data (id, event_id, label, mode, people, distance_m, round_trip, emissions_g, trace, entered_by, entered_at) VALUES (
    '01a1fed5-e429-74df-84ae-09dc6a1b1343', '01a1fed5-e409-765f-a1e1-cef9a89b6a94', '', 'car', '9', '23000', 'true', '81008', '{"lines": [{"mode": "car", "factor": {"key": "car", "unit": "kgCO2e/vkm", "gases": ["CO2e"], "value": "0.19567", "citation": "《中国产品全生命周期温室气体排放系数集》 中型汽油轿车，大门到坟墓（中国城市温室气体工作组，2023）", "certainty": "unverified", "placeholder": true}, "people": "9", "distance_m": 23000, "round_trip": true, "emissions_g": 81008}], "people": "9", "person_m": 414000, "co2_only_g": 0, "factor_set": {"id": "travel-cn", "digest": "4226783d266bd725", "version": "2026.1"}, "emissions_g": 81008}', '01a1fed5-d7ad-7633-857e-279ef6e63803', '2026-11-20 01:00:00+00'
);
INSERT INTO activity_data (id, event_id, label, mode, people, distance_m, round_trip, emissions_g, trace, entered_by, entered_at) VALUES (
    '01a1fed5-e43a-7442-b31d-88956fb3421d', '01a1fed5-e433-7542-b54a-5799f0e80602', 'Tokyo, Japan', 'any', '12.345678', '8054321', 'true', '49718027', '{"lines": [{"mode": "any", "factor": {"key": "any", "unit": "kgCO2e/pkm", "gases": ["CO2e"], "value": "0.25", "citation": "Nature 583《An analysis of ways to decarbonize conference travel after COVID-19》 data/data_processed.csv, commit d38a706（Nature，2020）", "certainty": "verbatim"}, "people": "12.345678", "distance_m": 8054321, "round_trip": true, "emissions_g": 49718027}], "people": "12.345678", "person_m": 198872108, "co2_only_g": 0, "factor_set": {"id": "klower-2020", "digest": "751dd3e8804ae023", "version": "2020"}, "emissions_g": 49718027}', '01a1fed5-d7ad-7633-857e-279ef6e63803', '2026-11-20 01:00:00+00'
);
INSERT INTO activity_data (id, event_id, label, mode, people, distance_m, round_trip, emissions_g, trace, entered_by, entered_at) VALUES (
    '01a1fed5-e43a-7442-b31d-8896ef6fbc13', '01a1fed5-e433-7542-b54a-5799f0e80602', 'Bratislava', 'any', '20.5', '61000', 'true', '75030', '{"lines": [{"mode": "any", "factor": {"key": "any", "unit": "kgCO2e/pkm", "gases": ["CO2e"], "value": "0.03", "citation": "Nature 583《An analysis of ways to decarbonize conference travel after COVID-19》 data/data_processed.csv, commit d38a706（Nature，2020）", "certainty": "verbatim"}, "people": "20.5", "distance_m": 61000, "round_trip": true, "emissions_g": 75030}], "people": "20.5", "person_m": 2501000, "co2_only_g": 0, "factor_set": {"id": "klower-2020", "digest": "751dd3e8804ae023", "version": "2020"}, "emissions_g": 75030}', '01a1fed5-d7ad-7633-857e-279ef6e63803', '2026-11-20 01:00:00+00'
);
