//! What disks say of themselves under Windows (`ntddstor.h`). Pure.

/// `STORAGE_TEMPERATURE_DATA_DESCRIPTOR`: where its number of sensors stands, and its first one.
const SENSORS_AT: usize = 12;
const FIRST_SENSOR_AT: usize = 24;

/// `STORAGE_TEMPERATURE_INFO`: its length, and where its temperature stands.
const SENSOR_BYTES: usize = 16;
const TEMPERATURE_AT: usize = 2;

/// `STORAGE_TEMPERATURE_VALUE_NOT_REPORTED`
const NOT_REPORTED: i16 = i16::MIN;

/// Sensors of one disk, of which `NVMe` knows nine.
const SENSORS: usize = 16;

/// The hottest sensor of a disk in degrees Celsius.
pub(super) fn temperature(descriptor: &[u8]) -> Option<f64> {
    let number = |at: usize| descriptor.get(at..at + 2)?.try_into().ok().map(i16::from_le_bytes);
    let sensors = usize::try_from(number(SENSORS_AT)?).ok()?.min(SENSORS);
    let at = |sensor: usize| FIRST_SENSOR_AT + sensor * SENSOR_BYTES + TEMPERATURE_AT;
    let all = (0..sensors).filter_map(|sensor| number(at(sensor)));
    all.filter(|celsius| *celsius != NOT_REPORTED).max().map(f64::from)
}

/// Whether a disk foretells its own end, by the first number of `STORAGE_PREDICT_FAILURE`.
pub(super) fn foretells_its_end(answer: &[u8]) -> Option<bool> {
    let number = answer.first_chunk().copied().map(u32::from_le_bytes)?;
    Some(number != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(celsius: &[i16]) -> Vec<u8> {
        let mut bytes = vec![40, 0, 0, 0, 40, 0, 0, 0, 70, 0, 65, 0];
        bytes.extend(u16::try_from(celsius.len()).unwrap().to_le_bytes());
        bytes.resize(FIRST_SENSOR_AT, 0);
        for (index, celsius) in celsius.iter().enumerate() {
            bytes.extend(u16::try_from(index).unwrap().to_le_bytes());
            bytes.extend(celsius.to_le_bytes());
            bytes.extend([0; 12]);
        }
        bytes
    }

    #[test]
    fn the_hottest_sensor_of_a_disk_counts_and_one_that_says_nothing_does_not() {
        for (sensors, expected) in [
            (vec![38], Some(38.0)),
            (vec![38, 51, NOT_REPORTED], Some(51.0)),
            (vec![-5], Some(-5.0)),
            (vec![NOT_REPORTED], None),
            (vec![], None),
        ] {
            assert_eq!(temperature(&descriptor(&sensors)), expected, "{sensors:?}");
        }
    }

    #[test]
    fn half_an_answer_is_none() {
        let whole = descriptor(&[38]);
        assert_eq!(temperature(&whole[..26]), None);
        assert_eq!(temperature(&[]), None);
        assert_eq!(temperature(&[255; 64]), None, "a number of sensors below zero");
        assert_eq!(foretells_its_end(&[1, 0, 0]), None);
        assert_eq!(foretells_its_end(&[1, 0, 0, 0, 9]), Some(true));
        assert_eq!(foretells_its_end(&[0; 516]), Some(false));
    }
}
