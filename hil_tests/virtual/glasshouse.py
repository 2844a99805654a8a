"""A greenhouse as one well-mixed room: balances of heat, vapour, carbon dioxide and soil water.

    house = Glasshouse(weather)          # weather(name, now_us): outside, as a Scene's record
    house.put("roof", 0.6, now_us)       # an actuator moves to 60 % at that moment
    house.value("air_temperature", now_us)

All flows are per square metre of floor. The room is 4 m high under a single film; the sizes are
those of textbooks (Stanghellini, Van 't Ooster and Heuvelink, Greenhouse Horticulture, 2019; de
Zwart's and Vanthoor's models have the same terms), the crop's transpiration is Baille, Baille and
Laury (1994) for a full-grown crop. It is good enough to be controlled, and no more: one
temperature for the air, one for the soil, no wind direction, no shading of the crop by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp

from .plant import water_l_min

HEIGHT_M = 4.0
AREA_M2 = 100.0
AIR_J_M3K = 1200.0  # heat capacity of air
MASS_J_M2K = 20_000.0  # what warms with the air: plants, benches, frame
SOIL_J_M2K = 250_000.0  # the upper decimetre or two
COVER_W_M2K = 7.0  # single film, with its slopes
SOIL_W_M2K = 6.0
DEEP_W_M2K = 0.8  # from the soil to the ground below, which stays at DEEP_C
DEEP_C = 15.0
LIGHT_THROUGH = 0.65  # of radiation through the film
TO_SOIL = 0.2  # of that; air and crop have the rest
LEAF_AREA = 2.5
LEAKS_H = 0.4  # air changes an hour with everything shut
ROOF_H, ROOF_WIND_H = 12.0, 5.0  # with the roof open, and more for each m/s of wind
FAN_H = 30.0
HEATER_W_M2 = 160.0
LAMP_W_M2, LAMP_LX = 80.0, 9_000.0
MIST_KG_M2S = 0.00012
LATENT_J_KG = 2_450_000.0
ROOT_MM = 400.0  # depth in which the water counts
FULL_SOIL = 36.0  # per cent: what is more runs off within hours
CO2_DAY, CO2_NIGHT = 0.0011, 0.00025  # g/m2/s taken at full light, given at night
CO2_G_PPM = 0.00183  # g/m3 for a ppm
CO2_VALVE = 0.0014  # g/m2/s from a bottle: 50 kg an hour and hectare
ROOF_SHARE = 0.25  # of the floor, on which it rains with the roof open
STEP_US = 20_000_000
WEATHER = ("air_temperature", "air_humidity", "radiation", "wind_speed", "co2", "rain")
WEATHER_US = 60_000_000  # how often it is looked at
INSIDE = (
    "air_temperature",
    "air_humidity",
    "co2",
    "illuminance",
    "soil_moisture",
    "soil_temperature",
    "water",
    "water_flow",
)


def saturated_g(celsius: float) -> float:
    """Return grams of vapour in a cubic metre of saturated air (Magnus, ideal gas)."""
    pascal = 611.2 * exp(17.62 * celsius / (243.12 + celsius))
    return pascal * 2.1667 / (273.15 + celsius)


class Glasshouse:
    """The state of the room, stepped as far as it is asked for; actuators are 0 to 1.

    `water` is in litres, `water_flow` in litres a minute; `rained_in_mm` has fallen in through
    the roof, and `carbon_g` came out of the bottle.

    Names of actuators: roof, fan, heater, lamp, mist, co2_valve, and valve with pump, which only
    together water, as plant.py has it. Others are kept and do nothing.
    """

    def __init__(self, weather: Callable[[str, int], float], now_us: int = 0) -> None:
        self.weather = weather
        self.outputs: dict[str, float] = {}
        self.litres = 0.0  # through the meter
        self.rained_in_mm = 0.0
        self.carbon_g = 0.0  # on a square metre
        self._rain_mm: float | None = None  # of the gauge outside
        self._now_us = now_us
        self._weather_us = now_us - WEATHER_US
        self._look(now_us)
        self.air_c = max(self._outside_c, 15.0)
        self.soil_c = weather("soil_temperature", now_us)
        self.vapour_g = saturated_g(self.air_c) * 0.7
        self.co2_ppm = self._outside_ppm
        self.soil_percent = 28.0

    def put(self, name: str, value: float, now_us: int) -> None:
        """Let an actuator have another value from now on."""
        self.advance(now_us)
        self.outputs[name] = value

    def value(self, name: str, now_us: int) -> float:
        """Return what a sensor in the house would see; KeyError names those that there are."""
        self.advance(now_us)
        if name == "air_temperature":
            return self.air_c
        if name == "air_humidity":
            return min(100.0, 100 * self.vapour_g / saturated_g(self.air_c))
        if name == "co2":
            return self.co2_ppm
        if name == "illuminance":
            lamp = LAMP_LX * self.outputs.get("lamp", 0.0)
            return self.weather("illuminance", now_us) + lamp
        if name == "soil_temperature":
            return self.soil_c
        if name == "soil_moisture":
            return self.soil_percent
        if name == "water":
            return self.litres
        if name == "water_flow":
            return water_l_min(self.outputs)
        raise KeyError(f"no {name!r} in the house; there are {INSIDE}")

    def advance(self, now_us: int) -> None:
        """Let time pass, in steps of at most 20 s."""
        while self._now_us < now_us:
            step_us = min(STEP_US, now_us - self._now_us)
            self._step(step_us / 1e6)
            self._now_us += step_us

    def _look(self, now_us: int) -> None:
        if now_us - self._weather_us < WEATHER_US:
            return
        self._weather_us = now_us
        celsius, humidity, radiation, wind, ppm, mm = (self.weather(n, now_us) for n in WEATHER)
        self._outside_c = celsius
        self._outside_g = saturated_g(celsius) * humidity / 100
        self._sun_w = LIGHT_THROUGH * radiation
        self._wind_m_s = wind
        self._outside_ppm = ppm
        if self._rain_mm is not None and mm > self._rain_mm:
            through = ROOF_SHARE * self.outputs.get("roof", 0.0) * (mm - self._rain_mm)
            self.rained_in_mm += through
            self.soil_percent += 100 * through / ROOT_MM
        self._rain_mm = mm

    def _step(self, dt: float) -> None:
        self._look(self._now_us)
        get = self.outputs.get
        lamp = get("lamp", 0.0)
        changes_h = (
            LEAKS_H
            + get("roof", 0.0) * (ROOF_H + ROOF_WIND_H * self._wind_m_s)
            + get("fan", 0.0) * FAN_H
        )
        air_m_s = changes_h * HEIGHT_M / 3600
        light_w = self._sun_w + LAMP_W_M2 * lamp * 0.5
        self._heat(dt, lamp, air_m_s, self._water(dt, light_w, air_m_s))
        self._carbon(dt, light_w, air_m_s)

    def _water(self, dt: float, light_w: float, air_m_s: float) -> float:
        """Vapour and soil water; returns grams a second that took or gave heat."""
        full_g = saturated_g(self.air_c)
        deficit_kpa = max(0.0, full_g - self.vapour_g) / full_g * 0.6112
        deficit_kpa *= exp(17.62 * self.air_c / (243.12 + self.air_c))
        wet = min(1.0, max(0.0, (self.soil_percent - 8) / 10))  # a dry crop shuts its leaves
        through_crop = 0.5 * (1 - exp(-0.64 * LEAF_AREA)) * light_w
        through_crop += (12.0 if light_w > 10 else 4.0) * LEAF_AREA * deficit_kpa
        crop_g = 1000 * wet * through_crop / LATENT_J_KG
        mist_g = 1000 * MIST_KG_M2S * self.outputs.get("mist", 0.0)
        mist_g *= 1 - min(1.0, self.vapour_g / full_g) ** 8  # none of it in saturated air
        cover_g = saturated_g((self.air_c + 2 * self._outside_c) / 3)
        dew_m_s = 0.004 if self.vapour_g > cover_g else 0.0
        # Implicit, since an open roof changes the air within a minute.
        gain = crop_g + mist_g + air_m_s * self._outside_g + dew_m_s * cover_g
        loss_m_s = air_m_s + dew_m_s
        before = self.vapour_g
        self.vapour_g = (before * HEIGHT_M + dt * gain) / (HEIGHT_M + dt * loss_m_s)
        self.vapour_g = min(self.vapour_g, full_g * 1.02)
        litres = water_l_min(self.outputs) / 60 * dt
        self.litres += litres
        surplus = max(0.0, self.soil_percent - FULL_SOIL) * dt / 7200
        mm = litres / AREA_M2 - crop_g * dt / 1000
        self.soil_percent = max(5.0, self.soil_percent + 100 * mm / ROOT_MM - surplus)
        return crop_g + mist_g - dew_m_s * max(0.0, self.vapour_g - cover_g) * 0.5

    def _heat(self, dt: float, lamp: float, air_m_s: float, water_g: float) -> None:
        sun_w = self._sun_w
        heater_w = HEATER_W_M2 * self.outputs.get("heater", 0.0)
        # The crop takes its share of the sun as heat; what it evaporates of that is in water_g.
        gain = (1 - TO_SOIL) * sun_w + LAMP_W_M2 * lamp + heater_w
        gain -= LATENT_J_KG * water_g / 1000
        loss = COVER_W_M2K + AIR_J_M3K * air_m_s
        capacity = MASS_J_M2K + AIR_J_M3K * HEIGHT_M
        top = self.air_c * capacity
        top += dt * (gain + loss * self._outside_c + SOIL_W_M2K * self.soil_c)
        self.air_c = top / (capacity + dt * (loss + SOIL_W_M2K))
        soil_w = TO_SOIL * sun_w + SOIL_W_M2K * (self.air_c - self.soil_c)
        soil_w -= DEEP_W_M2K * (self.soil_c - DEEP_C)
        self.soil_c += dt * soil_w / SOIL_J_M2K

    def _carbon(self, dt: float, light_w: float, air_m_s: float) -> None:
        share = light_w / (light_w + 150)
        taken = CO2_DAY * share * self.co2_ppm / (self.co2_ppm + 300) * 2 - CO2_NIGHT
        given = CO2_VALVE * self.outputs.get("co2_valve", 0.0)
        self.carbon_g += given * dt
        gain = air_m_s * self._outside_ppm + (given - taken) / CO2_G_PPM
        ppm = (self.co2_ppm * HEIGHT_M + dt * gain) / (HEIGHT_M + dt * air_m_s)
        self.co2_ppm = max(150.0, ppm)
