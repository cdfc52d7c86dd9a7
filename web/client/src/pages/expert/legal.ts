/**
 * The texts that a member puts its name under. They are Chinese in every language of the page, because the act binds
 * their digest T("shown", lines joined by line feeds): one text, one digest.
 */

/** 87号令 46、62 and 财库〔2016〕198号 18, in the words that committees know. */
export const COMMITMENT: readonly string[] = [
  "本人自愿担任本项目评审委员会成员，现郑重承诺：",
  "一、客观、公正、审慎地履行评审职责，严格按照采购文件规定的评审程序、评审方法和评审标准独立评审，并对本人的评审意见承担法律责任。",
  "二、不私下接触供应商或者与评审结果有利害关系的人，不收受其财物或者其他好处。",
  "三、不泄露评审文件、评审情况和评审中知悉的商业秘密，不记录、复制或者带走任何评审资料。",
  "四、评审期间不与其他成员商量主观评分，不发表倾向性、引导性意见，不干预他人评审。",
  "五、知悉并同意评审现场全程录音录像，本人在系统中的操作全部记入评审记录。",
  "六、发现违法违规行为或者应当回避的情形，立即说明并向监督人员报告。",
];

/** 政府采购法实施条例 9. */
export const RECUSAL: readonly string[] = [
  "本人已阅看参加本项目的供应商名单。",
  "参加采购活动前三年内，本人与供应商不存在劳动关系，未担任供应商的董事、监事，不是供应商的控股股东或者实际控制人；",
  "本人与供应商的法定代表人或者负责人没有夫妻、直系血亲、三代以内旁系血亲或者近姻亲关系；",
  "本人与供应商没有其他可能影响评审公平、公正的关系。",
];
